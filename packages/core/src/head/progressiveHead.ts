import { count, counts, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { Conv2d, Dropout2d, PReLU, Sequential } from "../nn/layers.js";
import { ALIGN_CORNERS, type AlignCorners } from "../tensor/alignCorners.js";
import type { Tensor } from "../tensor/tensor.js";
import { dropoutField } from "./convolutionHead.js";
import { Head, type HeadContext } from "./head.js";

const fields = {
  channels: count({ default: 1024, meaning: "outputs of the 1x1 convolution" }),
  steps: counts({ default: [256, 64, 64], meaning: "channels after each step, which doubles the sides" }),
  alignCorners: oneOf(ALIGN_CORNERS, {
    default: true,
    meaning: "whether steps enlarge from corner to corner; asymmetric, from upper left corners, as TensorFlow 1",
  }),
  dropout: dropoutField({ default: 0.3, meaning: "share of the channels that training drops before the steps" }),
  stepDropout: dropoutField({ default: 0.15, meaning: "share of the channels that training drops after each step" }),
};

/**
 * Lextal's head: a 1x1 convolution, then steps that double the sides and learn what they lack, so that three of them bring features at
 * output stride 8 to the image's size. It gives logarithms of probabilities, which are logits too.
 */
class ProgressiveHead extends Head {
  readonly bottleneck: Conv2d;
  readonly up: readonly Sequential[];
  readonly final: Conv2d;
  readonly dropout: Dropout2d;
  readonly stepDropout: Dropout2d;
  readonly #alignCorners: AlignCorners;

  constructor(config: ValuesOf<typeof fields>, { input, classes, norm }: HeadContext) {
    super();
    const { channels, steps, dropout, stepDropout, alignCorners } = config;
    const sizes = [channels, ...steps];
    this.bottleneck = new Conv2d([input, channels], { kernel: 1, bias: true });
    this.up = steps.map((output, i) => {
      const convolution = new Conv2d([sizes[i], output], { kernel: 3, padding: 1, bias: true });
      return new Sequential(convolution, norm(output), new PReLU());
    });
    this.final = new Conv2d([sizes[steps.length], classes], { kernel: 1, bias: true });
    this.dropout = new Dropout2d(dropout);
    this.stepDropout = new Dropout2d(stepDropout);
    this.#alignCorners = alignCorners;
  }

  protected first(): Conv2d {
    return this.bottleneck;
  }

  protected classify<T extends Tensor>(y: T): T {
    const options = { alignCorners: this.#alignCorners };
    const enlarged = this.up.reduce(
      (z, step) => this.stepDropout.forward(step.forward(z.resizeBy(2, options))),
      this.dropout.forward(y.relu()),
    );
    return this.final.forward(enlarged).logSoftmax(1);
  }
}

export const progressiveHead = kind({
  name: "progressive",
  fields,
  create: (config, context: HeadContext): Head => new ProgressiveHead(config, context),
});
