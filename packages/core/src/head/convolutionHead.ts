import { count, number, type ValuesOf } from "../config/field.js";
import { Conv2d, Dropout2d, ReLU, Sequential } from "../nn/layers.js";
import type { Norm } from "../nn/norm.js";

export function convolutionFields({ channels }: { readonly channels: number }) {
  return {
    channels: count({ default: channels, meaning: "outputs of the 3x3 convolution" }),
    dropout: number("a number from 0 to below 1", (value) => value >= 0 && value < 1, {
      default: 0.1,
      meaning: "share of the channels that training drops before the classifier",
      trainingOnly: true,
    }),
  };
}

/** What a head stands on, and what it tells apart. */
export interface HeadContext {
  /** Channels of its input. */
  readonly input: number;
  readonly classes: number;
  readonly norm: Norm;
}

/** A 3x3 convolution, and a 1x1 one to the classes. */
export class ConvolutionHead extends Sequential {
  protected readonly convolution: Conv2d;
  protected readonly classifier: Sequential;

  constructor(
    { channels, dropout }: ValuesOf<ReturnType<typeof convolutionFields>>,
    { input, classes, norm }: HeadContext,
  ) {
    const convolution = new Conv2d([input, channels], { kernel: 3, padding: 1 });
    const classify = new Conv2d([channels, classes], { kernel: 1, bias: true });
    const classifier = [norm(channels), new ReLU(), new Dropout2d(dropout), classify];
    super(convolution, ...classifier);
    this.convolution = convolution;
    this.classifier = new Sequential(...classifier);
  }
}
