import type { Shape } from "@pspnet/checkpoints";
import type { AlignCorners } from "./alignCorners.js";

/** Element types that a network computes with, PyTorch's names. */
export type DType = "float64" | "float32" | "bfloat16" | "float16" | "int64" | "uint8" | "bool";

export type { Shape };

export interface Conv2dOptions {
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  /** Channels are parted into as many groups, each convolved on its own; as many as channels is a depthwise convolution. Default 1. */
  readonly groups?: number;
}

export interface BatchNormOptions {
  readonly training: boolean;
  /** Share of the batch in the running statistics, PyTorch's convention: `running += momentum * (batch - running)`. */
  readonly momentum: number;
  readonly eps: number;
}

export interface MaxPool2dOptions {
  readonly kernelSize: number;
  readonly stride: number;
  /** At most half of the kernel. */
  readonly padding?: number;
  /** Whether a last window that the image fills in part counts, if it begins before the padding on the right or bottom. */
  readonly ceilMode?: boolean;
}

export interface AvgPool2dOptions extends MaxPool2dOptions {
  /** Whether the padding's zeros are part of the mean, as PyTorch has it; else the mean is of what lies in the image. Default true. */
  readonly countIncludePad?: boolean;
}

/** Rows and columns added around an image. */
export type Padding = readonly [left: number, right: number, top: number, bottom: number];

export interface InterpolateOptions {
  readonly alignCorners: AlignCorners;
}

export interface EnlargeMatrixOptions extends InterpolateOptions {
  /** Size of what is enlarged. */
  readonly bins: number;
  /** Places before, at and after each one that its row sees, an odd number; 1 is plain enlargement. */
  readonly taps: number;
}

/**
 * What the network is written in: the few operations that `forward` needs, with PyTorch's semantics.
 *
 * Images and features are `[n, c, h, w]`. An implementation is either eager (libtorch, `@pspnet/torch`) or records a
 * graph. `forward` never asks for `h` or `w` as numbers, so one recorded graph serves every image size.
 * Methods return `this` type, so a layer that is given libtorch tensors gives libtorch tensors.
 */
export interface Tensor {
  readonly shape: Shape;
  readonly dtype: DType;

  /** Runs `work` and frees the tensors made in it, except those that it returns and what autograd keeps of them. */
  scope<R>(work: () => R): R;
  /** Sum of two tensors of one shape. */
  add(other: this): this;
  relu(): this;
  /** min(max(x, 0), 6) */
  relu6(): this;
  /** max(x, 0) + weight * min(x, 0); `weight` is `[1]`, or `[c]` for channels in dimension 1. */
  prelu(weight: this): this;
  /** Logarithm of softmax along `dim`. */
  logSoftmax(dim: number): this;
  /** Concatenates this tensor and `others` along dimension `dim`. */
  cat(others: readonly this[], dim: number): this;
  /** 2-D cross-correlation; `weight` is `[out, in / groups, kh, kw]`, `bias` `[out]`. */
  conv2d(weight: this, bias: this | null, options: Conv2dOptions): this;
  /** Normalises each channel; in training by the batch's statistics, updating the running ones in place. All vectors `[c]`. */
  batchNorm(weight: this, bias: this, runningMean: this, runningVar: this, options: BatchNormOptions): this;
  /** The same, plus `residual` if there is one, then ReLU: what ends most convolutions, in one operation for engines that have it. */
  batchNormRelu(
    weight: this,
    bias: this,
    runningMean: this,
    runningVar: this,
    residual: this | null,
    options: BatchNormOptions,
  ): this;
  /** x times `weight` transposed, plus bias: `[n, in]` to `[n, out]`; `weight` is `[out, in]`, `bias` `[out]`. */
  linear(weight: this, bias?: this | null): this;
  maxPool2d(options: MaxPool2dOptions): this;
  /** Mean over windows. */
  avgPool2d(options: AvgPool2dOptions): this;
  /** Mean over a grid of `bins` x `bins` cells, PyTorch's cell borders. `[n, c, bins, bins]` */
  adaptiveAvgPool2d(bins: number): this;
  /** Maximum over the same grid. */
  adaptiveMaxPool2d(bins: number): this;
  /** Zeros around an image; a negative number cuts. */
  pad(padding: Padding): this;
  /** Matrix product, with broadcasting over leading dimensions. */
  matmul(other: this): this;
  /** Reorders the dimensions. */
  permute(...dims: number[]): this;
  /** Joins the dimensions from `start` to `end` into one. */
  flatten(start: number, end: number): this;
  /** Splits dimension `dim` into several of `sizes`. */
  unflatten(dim: number, sizes: readonly number[]): this;
  /** Parts of the given sizes along `dim`. */
  split(sizes: readonly number[], dim: number): this[];
  /** The matrix that enlarges `bins` values to the size of dimension `dim`: `[1, size, taps * bins]`, see {@link enlargeMatrix}. */
  enlargeMatrix(dim: number, options: EnlargeMatrixOptions): this;
  /** Bilinear resize to the height and width of `like`. */
  resizeLike(like: this, options: InterpolateOptions): this;
  /** Bilinear resize to `factor` times height and width, a whole number. */
  resizeBy(factor: number, options: InterpolateOptions): this;
  /** Bilinear resize to `size` = `[h, w]`. */
  resize(size: readonly [number, number], options: InterpolateOptions): this;
  /** In training drops whole channels with probability `p` and scales the rest by 1/(1-p); else the identity. */
  dropout2d(p: number, training: boolean): this;
  /** The same of single elements. */
  dropout(p: number, training: boolean): this;
}

/** Where parameters get their memory: makes a tensor from float32 values in row-major order. */
export interface Backend<T extends Tensor = Tensor> {
  tensor(data: Float32Array, shape: Shape): T;
}
