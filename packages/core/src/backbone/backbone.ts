import { Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";

/** What a backbone sees in an image. */
export interface Features<T extends Tensor> {
  /** What the auxiliary head looks at, `[n, channels.middle, h / stride, w / stride]`. */
  readonly middle: T;
  /** What pyramid and head look at, `[n, channels.last, h / stride, w / stride]`. */
  readonly last: T;
}

export interface BackboneContext {
  /** Channels of the images. */
  readonly input: number;
  readonly norm: Norm;
}

/** The part of a network that was usually trained to classify, without its classifier. */
export abstract class Backbone extends Module {
  abstract readonly channels: Readonly<Record<keyof Features<Tensor>, number>>;
  /** The image's side over that of the features. */
  abstract readonly stride: number;

  /** @param x normalised images, `[n, c, h, w]` */
  abstract features<T extends Tensor>(x: T): Features<T>;
}
