// Made from native/operations.txt by native/generate.mjs; node native/generate.mjs makes it anew.
import type { AlignCorners, DType } from "@pspnet/core";
import { type Handle, native } from "./binding.js";

/** Order of a tensor's elements in memory: channelsLast is `[n, h, w, c]` under the shape `[n, c, h, w]`. */
export type MemoryFormat = "contiguous" | "channelsLast";

/** What a loss does with its elements. */
export type Reduction = "none" | "mean" | "sum";

export interface CrossEntropyOptions<T> {
  readonly weight?: T | null;
  /** Default -100. */ readonly ignoreIndex?: number;
  /** Default "mean". */ readonly reduction?: Reduction;
  /** Default 0. */ readonly labelSmoothing?: number;
}

export interface UpsampledCrossEntropyOptions<T> {
  readonly weight?: T | null;
  /** Default 255. */ readonly ignoreIndex?: number;
  readonly alignCorners: AlignCorners;
  /** Default 0. */ readonly labelSmoothing?: number;
  /** Default 0. */ readonly ohemThreshold?: number;
  /** Default 0. */ readonly ohemKept?: number;
}

const operand = (value: Operations | number | bigint): Handle | number | bigint =>
  typeof value === "object" ? value.handle : value;

/** The operations that are methods of a tensor. */
export abstract class Operations {
  /** @internal */
  abstract readonly handle: Handle;
  protected abstract wrap(handle: Handle): this;

  /** Sum, with broadcasting. */
  add(other: this): this;
  add(other: this | number | bigint): this;
  add(other: this | number | bigint): this {
    return this.wrap(native().add(this.handle, operand(other)) as Handle);
  }

  /** Difference, with broadcasting. */
  sub(other: this): this;
  sub(other: this | number | bigint): this;
  sub(other: this | number | bigint): this {
    return this.wrap(native().sub(this.handle, operand(other)) as Handle);
  }

  /** Product, with broadcasting. */
  mul(other: this): this;
  mul(other: this | number | bigint): this;
  mul(other: this | number | bigint): this {
    return this.wrap(native().mul(this.handle, operand(other)) as Handle);
  }

  /** True quotient, with broadcasting. */
  div(other: this): this;
  div(other: this | number | bigint): this;
  div(other: this | number | bigint): this {
    return this.wrap(native().div(this.handle, operand(other)) as Handle);
  }

  /** Larger of two, element by element. */
  maximum(other: this): this {
    return this.wrap(native().maximum(this.handle, other.handle) as Handle);
  }

  /** Smaller of two, element by element. */
  minimum(other: this): this {
    return this.wrap(native().minimum(this.handle, other.handle) as Handle);
  }

  /** Power. */
  pow(exponent: this): this;
  pow(exponent: this | number | bigint): this;
  pow(exponent: this | number | bigint): this {
    return this.wrap(native().pow(this.handle, operand(exponent)) as Handle);
  }

  /** Negative. */
  neg(): this {
    return this.wrap(native().neg(this.handle) as Handle);
  }

  /** Absolute value. */
  abs(): this {
    return this.wrap(native().abs(this.handle) as Handle);
  }

  /** Exponential. */
  exp(): this {
    return this.wrap(native().exp(this.handle) as Handle);
  }

  /** Natural logarithm. */
  log(): this {
    return this.wrap(native().log(this.handle) as Handle);
  }

  /** Square root. */
  sqrt(): this {
    return this.wrap(native().sqrt(this.handle) as Handle);
  }

  /** Limits to [min, max]. */
  clamp(min?: number | bigint | null, max?: number | bigint | null): this {
    return this.wrap(native().clamp(this.handle, min, max) as Handle);
  }

  /** Adds `alpha * other` in place. */
  add_(other: this, options?: { /** Default 1. */ readonly alpha?: number | bigint }): this;
  add_(other: this | number | bigint, options?: { /** Default 1. */ readonly alpha?: number | bigint }): this;
  add_(other: this | number | bigint, options: { /** Default 1. */ readonly alpha?: number | bigint } = {}): this {
    native().add_(this.handle, operand(other), options.alpha);
    return this;
  }

  /** Multiplies in place. */
  mul_(other: this): this;
  mul_(other: this | number | bigint): this;
  mul_(other: this | number | bigint): this {
    native().mul_(this.handle, operand(other));
    return this;
  }

  /** Copies `source` here, with broadcasting and conversion. */
  copy_(source: this): this {
    native().copy_(this.handle, source.handle);
    return this;
  }

  /** Sets every element. */
  fill_(value: number | bigint): this {
    native().fill_(this.handle, value);
    return this;
  }

  /** Sets every element to zero. */
  zero_(): this {
    native().zero_(this.handle);
    return this;
  }

  /** max(x, 0). */
  relu(): this {
    return this.wrap(native().relu(this.handle) as Handle);
  }

  /** min(max(x, 0), 6). */
  relu6(): this {
    return this.wrap(native().relu6(this.handle) as Handle);
  }

  /** max(x, 0) + weight * min(x, 0); weight `[1]`, or `[c]` for channels in dimension 1. */
  prelu(weight: this): this {
    return this.wrap(native().prelu(this.handle, weight.handle) as Handle);
  }

  /** 1 / (1 + exp(-x)). */
  sigmoid(): this {
    return this.wrap(native().sigmoid(this.handle) as Handle);
  }

  /** Hyperbolic tangent. */
  tanh(): this {
    return this.wrap(native().tanh(this.handle) as Handle);
  }

  /** exp(x) / sum(exp(x)) along `dim`. */
  softmax(dim: number): this {
    return this.wrap(native().softmax(this.handle, dim) as Handle);
  }

  /** Logarithm of softmax along `dim`. */
  logSoftmax(dim: number): this {
    return this.wrap(native().logSoftmax(this.handle, dim) as Handle);
  }

  /** In training zeroes elements with probability `p`, scales the rest by 1/(1-p). */
  dropout(p: number, training: boolean): this {
    return this.wrap(native().dropout(this.handle, p, training) as Handle);
  }

  /** In training zeroes whole channels with probability `p`, scales the rest by 1/(1-p). */
  dropout2d(p: number, training: boolean): this {
    return this.wrap(native().dropout2d(this.handle, p, training) as Handle);
  }

  /** Sum over `dim`, or over everything. */
  sum(dim?: number | readonly number[] | null, options: { /** Default false. */ readonly keepdim?: boolean } = {}): this {
    return this.wrap(native().sum(this.handle, dim, options.keepdim) as Handle);
  }

  /** Mean over `dim`, or over everything. */
  mean(dim?: number | readonly number[] | null, options: { /** Default false. */ readonly keepdim?: boolean } = {}): this {
    return this.wrap(native().mean(this.handle, dim, options.keepdim) as Handle);
  }

  /** Largest over `dim`, or over everything. */
  amax(dim?: number | readonly number[], options: { /** Default false. */ readonly keepdim?: boolean } = {}): this {
    return this.wrap(native().amax(this.handle, dim, options.keepdim) as Handle);
  }

  /** Largest element. */
  max(): this {
    return this.wrap(native().max(this.handle) as Handle);
  }

  /** Smallest element. */
  min(): this {
    return this.wrap(native().min(this.handle) as Handle);
  }

  /** Index of the largest along `dim`, int64. */
  argmax(dim?: number | null, options: { /** Default false. */ readonly keepdim?: boolean } = {}): this {
    return this.wrap(native().argmax(this.handle, dim, options.keepdim) as Handle);
  }

  /** Matrix product, with broadcasting over leading dimensions. */
  matmul(other: this): this {
    return this.wrap(native().matmul(this.handle, other.handle) as Handle);
  }

  /** x times `weight` transposed, plus bias; weight `[out, in]`. */
  linear(weight: this, bias?: this | null): this {
    return this.wrap(native().linear(this.handle, weight.handle, bias?.handle) as Handle);
  }

  /** 2-D cross-correlation; weight `[out, in / groups, kh, kw]`, bias `[out]`. */
  conv2d(weight: this, bias: this | null, options: { /** Default 1. */ readonly stride?: number | readonly [number, number]; /** Default 0. */ readonly padding?: number | readonly [number, number]; /** Default 1. */ readonly dilation?: number | readonly [number, number]; /** Default 1. */ readonly groups?: number } = {}): this {
    return this.wrap(native().conv2d(this.handle, weight.handle, bias?.handle, options.stride, options.padding, options.dilation, options.groups) as Handle);
  }

  /** Normalises each channel; in training by the batch's statistics, updating the running ones in place. */
  batchNorm(weight: this, bias: this, runningMean: this, runningVar: this, options: { readonly training: boolean; readonly momentum: number; readonly eps: number }): this {
    return this.wrap(native().batchNorm(this.handle, weight.handle, bias.handle, runningMean.handle, runningVar.handle, options.training, options.momentum, options.eps) as Handle);
  }

  /** The same, plus `residual`, then max(x, 0): one function, forward and backward. */
  batchNormRelu(weight: this, bias: this, runningMean: this, runningVar: this, residual: this | null, options: { readonly training: boolean; readonly momentum: number; readonly eps: number }): this {
    return this.wrap(native().batchNormRelu(this.handle, weight.handle, bias.handle, runningMean.handle, runningVar.handle, residual?.handle, options.training, options.momentum, options.eps) as Handle);
  }

  /** Maximum over windows; `stride` is `kernelSize` unless given. */
  maxPool2d(options: { readonly kernelSize: number | readonly [number, number]; readonly stride?: number | readonly [number, number]; /** Default 0. */ readonly padding?: number | readonly [number, number]; /** Default 1. */ readonly dilation?: number | readonly [number, number]; /** Default false. */ readonly ceilMode?: boolean }): this {
    return this.wrap(native().maxPool2d(this.handle, options.kernelSize, options.stride, options.padding, options.dilation, options.ceilMode) as Handle);
  }

  /** Mean over windows; `stride` is `kernelSize` unless given. */
  avgPool2d(options: { readonly kernelSize: number | readonly [number, number]; readonly stride?: number | readonly [number, number]; /** Default 0. */ readonly padding?: number | readonly [number, number]; /** Default false. */ readonly ceilMode?: boolean; /** Default true. */ readonly countIncludePad?: boolean }): this {
    return this.wrap(native().avgPool2d(this.handle, options.kernelSize, options.stride, options.padding, options.ceilMode, options.countIncludePad) as Handle);
  }

  /** Mean over a grid of `bins` cells. */
  adaptiveAvgPool2d(bins: number | readonly [number, number]): this {
    return this.wrap(native().adaptiveAvgPool2d(this.handle, bins) as Handle);
  }

  /** Maximum over a grid of `bins` cells. */
  adaptiveMaxPool2d(bins: number | readonly [number, number]): this {
    return this.wrap(native().adaptiveMaxPool2d(this.handle, bins) as Handle);
  }

  /** Bilinear resize to `[h, w]`. */
  upsampleBilinear2d(size: number | readonly [number, number], options: { readonly alignCorners: AlignCorners }): this {
    return this.wrap(native().upsampleBilinear2d(this.handle, size, options.alignCorners) as Handle);
  }

  /** The matrix that enlarges `bins` values to the size of dimension `dim`: `[1, size, taps * bins]`. */
  enlargeMatrix(dim: number, options: { readonly bins: number; readonly taps: number; readonly alignCorners: AlignCorners }): this {
    return this.wrap(native().enlargeMatrix(this.handle, dim, options.bins, options.taps, options.alignCorners) as Handle);
  }

  /** Cross-entropy of logits `[n, c, ...]` and class ids `[n, ...]` (int64). */
  crossEntropy(target: this, options: CrossEntropyOptions<this> = {}): this {
    return this.wrap(native().crossEntropy(this.handle, target.handle, options.weight?.handle, options.ignoreIndex, options.reduction, options.labelSmoothing) as Handle);
  }

  /** Mean cross-entropy of logits `[n, c, h, w]` enlarged bilinearly to the class ids `[n, H, W]` (uint8), without making the enlarged logits. With `ohemThreshold` above 0, of the pixels alone whose class has at most that probability, and of the next ones until they are `ohemKept` of those with a class. */
  upsampledCrossEntropy(target: this, options: UpsampledCrossEntropyOptions<this>): this {
    return this.wrap(native().upsampledCrossEntropy(this.handle, target.handle, options.weight?.handle, options.ignoreIndex, options.alignCorners, options.labelSmoothing, options.ohemThreshold, options.ohemKept) as Handle);
  }

  /** Soft Dice loss of the softmax of the same logits, the mean over all classes of `1 - 2 sum(p y) / (sum(p) + sum(y))` over the batch; 0 for a class that no pixel has. */
  upsampledDice(target: this, options: { /** Default 255. */ readonly ignoreIndex?: number; readonly alignCorners: AlignCorners }): this {
    return this.wrap(native().upsampledDice(this.handle, target.handle, options.ignoreIndex, options.alignCorners) as Handle);
  }

  /** Best class (uint8 `[n, H, W]`) of logits `[n, c, h, w]` enlarged bilinearly to `size`, in its upper left `crop`, without making the enlarged logits. */
  upsampledArgmax(size: number | readonly [number, number], crop: number | readonly [number, number], options: { readonly alignCorners: AlignCorners }): this {
    return this.wrap(native().upsampledArgmax(this.handle, size, crop, options.alignCorners) as Handle);
  }

  /** Joins this tensor and `others` along `dim`. */
  cat(others: readonly this[], dim: number): this {
    return this.wrap(native().cat(this.handle, others.map((tensor) => tensor.handle), dim) as Handle);
  }

  /** The same elements in another shape; -1 is worked out. */
  reshape(...shape: number[] | [readonly number[]]): this {
    return this.wrap(native().reshape(this.handle, shape.flat()) as Handle);
  }

  /** Reorders the dimensions; a view. */
  permute(...dims: number[] | [readonly number[]]): this {
    return this.wrap(native().permute(this.handle, dims.flat()) as Handle);
  }

  /** Swaps two dimensions; a view. */
  transpose(dim0: number, dim1: number): this {
    return this.wrap(native().transpose(this.handle, dim0, dim1) as Handle);
  }

  /** Removes dimensions of size 1; a view. */
  squeeze(dim: number | readonly number[]): this {
    return this.wrap(native().squeeze(this.handle, dim) as Handle);
  }

  /** Adds a dimension of size 1; a view. */
  unsqueeze(dim: number): this {
    return this.wrap(native().unsqueeze(this.handle, dim) as Handle);
  }

  /** Parts of the given sizes along `dim`; views. */
  split(sizes: number | readonly number[], dim?: number): this[] {
    return (native().split(this.handle, sizes, dim) as Handle[]).map((handle) => this.wrap(handle));
  }

  /** Joins dimensions into one. */
  flatten(startDim?: number, endDim?: number): this {
    return this.wrap(native().flatten(this.handle, startDim, endDim) as Handle);
  }

  /** Splits one dimension into several; -1 is worked out. */
  unflatten(dim: number, sizes: number | readonly number[]): this {
    return this.wrap(native().unflatten(this.handle, dim, sizes) as Handle);
  }

  /** Repeats dimensions of size 1 without a copy; -1 keeps one. */
  expand(...shape: number[] | [readonly number[]]): this {
    return this.wrap(native().expand(this.handle, shape.flat()) as Handle);
  }

  /** `length` elements of `dim` from `start`; a view. */
  narrow(dim: number, start: number, length: number): this {
    return this.wrap(native().narrow(this.handle, dim, start, length) as Handle);
  }

  /** Elements start, start + step, ... before end; a view. */
  slice(dim: number, start: number, end: number, step?: number): this {
    return this.wrap(native().slice(this.handle, dim, start, end, step) as Handle);
  }

  /** One element of `dim`, which is dropped; a view. */
  select(dim: number, index: number): this {
    return this.wrap(native().select(this.handle, dim, index) as Handle);
  }

  /** The elements of `dim` that `index` (int64) lists. */
  indexSelect(dim: number, index: this): this {
    return this.wrap(native().indexSelect(this.handle, dim, index.handle) as Handle);
  }

  /** For each place the element of `dim` that `index` says there. */
  gather(dim: number, index: this): this {
    return this.wrap(native().gather(this.handle, dim, index.handle) as Handle);
  }

  /** Reverses dimensions. */
  flip(...dims: number[] | [readonly number[]]): this {
    return this.wrap(native().flip(this.handle, dims.flat()) as Handle);
  }

  /** Pads with a constant: `[left, right, top, bottom, ...]`, the last dimension first. */
  pad(pad: number | readonly number[], options: { /** Default 0. */ readonly value?: number | bigint } = {}): this {
    return this.wrap(native().pad(this.handle, pad, options.value) as Handle);
  }

  /** The same values laid out in that order; itself when they are. */
  contiguous(memoryFormat?: MemoryFormat): this {
    return this.wrap(native().contiguous(this.handle, memoryFormat) as Handle);
  }

  /** A copy. */
  clone(): this {
    return this.wrap(native().clone(this.handle) as Handle);
  }

  /** The same memory without history. */
  detach(): this {
    return this.wrap(native().detach(this.handle) as Handle);
  }

  /** The same values in another element type or on another device; itself when they are. */
  to(options: { readonly dtype?: DType | null; readonly device?: string | null } = {}): this {
    return this.wrap(native().to(this.handle, options.dtype, options.device) as Handle);
  }

  /** Equal, bool. */
  eq(other: this): this;
  eq(other: this | number | bigint): this;
  eq(other: this | number | bigint): this {
    return this.wrap(native().eq(this.handle, operand(other)) as Handle);
  }

  /** Not equal, bool. */
  ne(other: this): this;
  ne(other: this | number | bigint): this;
  ne(other: this | number | bigint): this {
    return this.wrap(native().ne(this.handle, operand(other)) as Handle);
  }

  /** Less, bool. */
  lt(other: this): this;
  lt(other: this | number | bigint): this;
  lt(other: this | number | bigint): this {
    return this.wrap(native().lt(this.handle, operand(other)) as Handle);
  }

  /** Less or equal, bool. */
  le(other: this): this;
  le(other: this | number | bigint): this;
  le(other: this | number | bigint): this {
    return this.wrap(native().le(this.handle, operand(other)) as Handle);
  }

  /** Greater, bool. */
  gt(other: this): this;
  gt(other: this | number | bigint): this;
  gt(other: this | number | bigint): this {
    return this.wrap(native().gt(this.handle, operand(other)) as Handle);
  }

  /** Greater or equal, bool. */
  ge(other: this): this;
  ge(other: this | number | bigint): this;
  ge(other: this | number | bigint): this {
    return this.wrap(native().ge(this.handle, operand(other)) as Handle);
  }

  /** Neither infinite nor NaN. */
  isfinite(): this {
    return this.wrap(native().isfinite(this.handle) as Handle);
  }

  /** `input` where this tensor is true, else `other`. */
  where(input: this, other: this): this;
  where(input: this | number | bigint, other: this | number | bigint): this;
  where(input: this | number | bigint, other: this | number | bigint): this {
    return this.wrap(native().where(this.handle, operand(input), operand(other)) as Handle);
  }

  /** Same shape and same elements. */
  equal(other: this): boolean {
    return native().equal(this.handle, other.handle) as boolean;
  }

  /** |a - b| <= atol + rtol |b| everywhere. */
  allclose(other: this, options: { /** Default 1e-5. */ readonly rtol?: number; /** Default 1e-8. */ readonly atol?: number } = {}): boolean {
    return native().allclose(this.handle, other.handle, options.rtol, options.atol) as boolean;
  }

  /** Zeros of this shape, type and layout. */
  zerosLike(): this {
    return this.wrap(native().zerosLike(this.handle) as Handle);
  }
}

/** The operations that make a tensor, given what makes one of a handle. */
export const functions = <T extends Operations>(wrap: (handle: Handle) => T) => ({
  /** Joins tensors of one shape along a new dimension. */
  stack(tensors: readonly T[], dim?: number): T {
    return wrap(native().stack(tensors.map((tensor) => tensor.handle), dim) as Handle);
  },

  /** Filled with 0. */
  zeros(shape: number | readonly number[], options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().zeros(shape, options.dtype, options.device) as Handle);
  },

  /** Filled with 1. */
  ones(shape: number | readonly number[], options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().ones(shape, options.dtype, options.device) as Handle);
  },

  /** Filled with `value`. */
  full(shape: number | readonly number[], value: number | bigint, options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().full(shape, value, options.dtype, options.device) as Handle);
  },

  /** With whatever the memory holds. */
  empty(shape: number | readonly number[], options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().empty(shape, options.dtype, options.device) as Handle);
  },

  /** Uniform in [0, 1). */
  rand(shape: number | readonly number[], options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().rand(shape, options.dtype, options.device) as Handle);
  },

  /** Standard normal. */
  randn(shape: number | readonly number[], options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().randn(shape, options.dtype, options.device) as Handle);
  },

  /** Whole numbers, uniform in [low, high). */
  randint(low: number, high: number, shape: number | readonly number[], options: { /** Default "int64". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().randint(low, high, shape, options.dtype, options.device) as Handle);
  },

  /** start, start + step, ... before end. */
  arange(start: number | bigint, end: number | bigint, step?: number | bigint, options: { /** Default "float32". */ readonly dtype?: DType; /** Default "cpu". */ readonly device?: string } = {}): T {
    return wrap(native().arange(start, end, step, options.dtype, options.device) as Handle);
  },
});
