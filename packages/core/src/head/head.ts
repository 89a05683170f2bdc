import type { Features } from "../backbone/backbone.js";
import type { Conv2d } from "../nn/layers.js";
import { Layer, Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Pyramid } from "../pyramid/pyramid.js";
import type { Tensor } from "../tensor/tensor.js";

/** What a head stands on, and what it tells apart. */
export interface HeadContext {
  /** Channels of its input. */
  readonly input: number;
  readonly classes: number;
  readonly norm: Norm;
}

/** The prediction from features and pyramid, which a convolution sees first (`cls` in the official release). */
export abstract class Head extends Layer {
  protected abstract first(): Conv2d;
  /** Logits, `[n, classes, h, w]` of the features' size or a multiple of it, from what the first convolution made. */
  protected abstract classify<T extends Tensor>(y: T): T;

  /** What `forward(pyramid.forward(x))` gives, as short as the pyramid can make it. */
  predict<T extends Tensor>(x: T, pyramid: Pyramid | null): T {
    if (pyramid === null) return this.forward(x);
    return x.scope(() => this.classify(pyramid.convolve(x, this.first())));
  }

  protected compute<T extends Tensor>(x: T): T {
    return this.classify(this.first().forward(x));
  }
}

/** What an auxiliary head stands on. */
export interface AuxiliaryContext extends Omit<HeadContext, "input"> {
  /** Channels of the features. */
  readonly inputs: Readonly<Record<keyof Features<Tensor>, number>>;
}

/**
 * An auxiliary classifier (paper, section 3.3 and figure 4; `aux` in the official release): it helps the optimisation, weighted 0.4
 * in the loss, and is left out of predictions.
 */
export abstract class AuxiliaryHead extends Module {
  /** Logits of places, `[n, classes, h, w]`, or of whole images, `[n, classes]`. */
  abstract predict<T extends Tensor>(features: Features<T>): T;
}
