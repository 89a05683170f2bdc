import type { AvgPool2dOptions, BatchNormOptions, MaxPool2dOptions, Tensor } from "../tensor/tensor.js";
import { biasUniform, constant, type Initialiser, kaimingUniform } from "./initialisers.js";
import { Layer, type Module } from "./module.js";
import { Parameter } from "./parameter.js";

export interface Conv2dLayerOptions {
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly bias?: boolean;
  readonly init?: Initialiser;
}

/** Convolution with a square kernel: weight `[out, in / groups, kernel, kernel]`, bias `[out]`. Zero padding. */
export class Conv2d extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter | null;
  readonly stride: number;
  readonly padding: number;
  readonly dilation: number;
  readonly groups: number;

  constructor(channels: readonly [input: number, output: number], options: Conv2dLayerOptions) {
    super();
    const [input, output] = channels;
    const { kernel, stride = 1, padding = 0, dilation = 1, groups = 1, bias = false, init = kaimingUniform } = options;
    const seen = input / groups;
    this.weight = new Parameter([output, seen, kernel, kernel], { init });
    this.bias = bias ? new Parameter([output], { init: biasUniform(seen * kernel * kernel) }) : null;
    this.stride = stride;
    this.padding = padding;
    this.dilation = dilation;
    this.groups = groups;
  }

  protected compute<T extends Tensor>(x: T): T {
    const { stride, padding, dilation, groups } = this;
    return x.conv2d(this.weight.as<T>(), this.bias?.as<T>() ?? null, { stride, padding, dilation, groups });
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

  /** The same, plus `residual` if there is one, then ReLU: less work in training than the three in turn. */
  relu<T extends Tensor>(x: T, residual: T | null = null): T {
    return x.batchNormRelu(...this.#vectors<T>(), residual, this.#options);
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.batchNorm(...this.#vectors<T>(), this.#options);
  }

  #vectors<T extends Tensor>(): [weight: T, bias: T, runningMean: T, runningVar: T] {
    return [this.weight.as<T>(), this.bias.as<T>(), this.running_mean.as<T>(), this.running_var.as<T>()];
  }

  get #options(): BatchNormOptions {
    return { training: this.training && !this.frozen, momentum: this.momentum, eps: this.eps };
  }
}

export class ReLU extends Layer {
  protected compute<T extends Tensor>(x: T): T {
    return x.relu();
  }
}

export class ReLU6 extends Layer {
  protected compute<T extends Tensor>(x: T): T {
    return x.relu6();
  }
}

/** max(x, 0) + weight * min(x, 0), one weight for all channels or one for each. */
export class PReLU extends Layer {
  readonly weight: Parameter;

  constructor({ channels = 1 }: { readonly channels?: number } = {}) {
    super();
    this.weight = new Parameter([channels], { init: constant(0.25) });
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.prelu(this.weight.as<T>());
  }
}

/** x times weight transposed, plus bias: `[n, in]` to `[n, out]`. */
export class Linear extends Layer {
  readonly weight: Parameter;
  readonly bias: Parameter;

  constructor([input, output]: readonly [input: number, output: number]) {
    super();
    this.weight = new Parameter([output, input], { init: kaimingUniform });
    this.bias = new Parameter([output], { init: biasUniform(input) });
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.linear(this.weight.as<T>(), this.bias.as<T>());
  }
}

export class MaxPool2d extends Layer {
  constructor(readonly options: MaxPool2dOptions) {
    super();
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.maxPool2d(this.options);
  }
}

export class AvgPool2d extends Layer {
  constructor(readonly options: AvgPool2dOptions) {
    super();
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.avgPool2d(this.options);
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

/** In training drops single elements with probability `p`. */
export class Dropout extends Layer {
  constructor(readonly p: number) {
    super();
  }

  protected compute<T extends Tensor>(x: T): T {
    return x.dropout(this.p, this.training);
  }
}

/** Layers one after the other by their names: in the order of numbers where names are such, else as given. */
export class NamedSequential extends Layer {
  readonly #layers: Readonly<Record<string, Layer>>;
  readonly #steps: readonly (<T extends Tensor>(x: T) => T)[];

  constructor(layers: Readonly<Record<string, Layer>>) {
    super();
    this.#layers = layers;
    this.#steps = stepsOf(Object.values(layers));
  }

  override *children(): Generator<[string, Module]> {
    yield* Object.entries(this.#layers);
  }

  protected compute<T extends Tensor>(x: T): T {
    return this.#steps.reduce((y, step) => step(y), x);
  }
}

/** What layers do in turn; batch norm and the ReLU behind it are one step. */
function stepsOf(layers: readonly Layer[]): (<T extends Tensor>(x: T) => T)[] {
  return layers.flatMap((layer, i) => {
    const before = layers[i - 1];
    if (layer instanceof ReLU && before instanceof BatchNorm2d) return [];
    if (layer instanceof BatchNorm2d && layers[i + 1] instanceof ReLU)
      return [<T extends Tensor>(x: T) => layer.relu(x)];
    return [<T extends Tensor>(x: T) => layer.forward(x)];
  });
}

/** The same, named 0, 1, 2 and so on. */
export class Sequential extends NamedSequential {
  constructor(...layers: readonly Layer[]) {
    super(Object.fromEntries(layers.entries()));
  }
}
