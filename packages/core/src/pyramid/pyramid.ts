import type { Conv2d } from "../nn/layers.js";
import { Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";

/** What a pyramid stands on. */
export interface PyramidContext {
  /** Channels of the features. */
  readonly input: number;
  readonly norm: Norm;
}

/** The features beside their summaries over larger regions. */
export abstract class Pyramid extends Module {
  /** Channels of the output. */
  abstract readonly channels: number;

  /** `x` and the enlarged levels concatenated, `[n, c, h, w]` to `[n, channels, h, w]`. */
  abstract forward<T extends Tensor>(x: T): T;

  /** What `convolution` makes of that; a pyramid may know a shorter way. */
  convolve<T extends Tensor>(x: T, convolution: Conv2d): T {
    return x.scope(() => convolution.forward(this.forward(x)));
  }
}
