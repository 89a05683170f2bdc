import type { Tensor } from "../tensor/tensor.js";
import { biasUniform, constant, type Initialiser, kaimingUniform } from "./initialisers.js";
import { Layer, type Module } from "./module.js";
import { Parameter } from "./parameter.js";

export interface Conv2dLayerOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly bias?: boolean;
  readonly init?: Initialiser;
}

/** Convolution with a square kernel: weight `[out, in, kernel, kernel]`, bias `[out]`. Zero padding. */
export class Conv2d extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;

  constructor(channels: readonly [input: number, output: number], options: Conv2dLayerOptions) {
    super();
    const [input, output] = channels;
    const { kernel, stride = 1, padding = 0, dilation = 1, bias = false, init = kaimingUniform } = options;
    this.weight = new Parameter([output, input, kernel, kernel], { init });
    this.bias = bias ? new Parameter([output], { init: biasUniform(input * kernel * kernel) }) : null;
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
  }

  protected compute<T extends Tensor>(x: T): T {
    const { stride, padding, dilation } = this;
    return x.conv2d(this.weight.as<T>(), this.bias?.as<T>() ?? null, { stride, padding, dilation });
  }
}

export interface BatchNorm2dOptions {
  readonly eps?: number;
  /** Share of the batch in the running statistics, PyTorch's convention. */
  readonly momentum?: number;
}

/** y = (x - mean) / sqrt(var + eps) * weight + bias, by channel; mean and var of the batch in training, else the running ones. */
export class BatchNorm2d extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly running_mean: Parameter;
  readonly running_var: Parameter;
  readonly eps: number;
  readonly momentum: number;
  /** Uses the running statistics, and leaves them as they are, in training too: for batches too small to have any. */
  frozen = false;

  constructor(channels: number, { eps = 1e-5, momentum = 0.1 }: BatchNorm2dOptions = {}) {
    super();
    this.weight = new Parameter([channels], { init: constant(1) });
    this.bias = new Parameter([channels], { init: constant(0) });
    this.running_mean = new Parameter([channels], { init: constant(0), trainable: false });
    this.running_var = new Parameter([channels], { init: constant(1), trainable: false });
    this.eps = eps;
    this.momentum = momentum;
  }

  protected compute<T extends Tensor>(x: T): T {
    const training = this.training && !this.frozen;
    return x.batchNorm(this.weight.as<T>(), this.bias.as<T>(), this.running_mean.as<T>(), this.running_var.as<T>(), {
      training,
      momentum: this.momentum,
      eps: this.eps,
    });
  }
}

export class ReLU extends Layer {
  protected compute<T extends Tensor>(x: T): T {
    return x.relu();
  }
}

/** Maximum over 3x3 windows, stride 2: `floor` with padding 1 as PyTorch's ResNets, `ceil` without as Caffe's. */
export class MaxPool2d extends Layer {
  constructor(readonly rounding: "floor" | "ceil") {
    super();
  }

  protected compute<T extends Tensor>(x: T): T {
    const ceilMode = this.rounding === "ceil";
    return x.maxPool2d({ kernelSize: 3, stride: 2, padding: ceilMode ? 0 : 1, ceilMode });
  }
}

/** In training drops whole channels with probability `p`. */
export class Dropout2d extends Layer {
  constructor(readonly p: number) {
    super();
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.dropout2d(this.p, this.training);
  }
}

/** Layers one after the other, named 0, 1, 2 and so on. */
export class Sequential extends Layer {
  readonly #layers: readonly Layer[];

  constructor(...layers: readonly Layer[]) {
    super();
    this.#layers = layers;
  }

  override *children(): Generator<[string, Module]> {
    for (const [i, layer] of this.#layers.entries()) yield [String(i), layer];
  }

  protected compute<T extends Tensor>(x: T): T {
    return this.#layers.reduce((y, layer) => layer.forward(y), x);
  }
}
