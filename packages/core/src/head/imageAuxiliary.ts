import type { Features } from "../backbone/backbone.js";
import { count, oneOf, optional, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { Dropout, Linear, ReLU, Sequential } from "../nn/layers.js";
import type { Module } from "../nn/module.js";
import type { Tensor } from "../tensor/tensor.js";
import { dropoutField } from "./convolutionHead.js";
import { type AuxiliaryContext, AuxiliaryHead } from "./head.js";

const fields = {
  of: oneOf(["middle", "last"], {
    default: "middle",
    meaning: "the features it looks at: the third stage's (Lextal), or the last (segmentation_models)",
  }),
  pool: oneOf(["max", "average"], { default: "max", meaning: "what is kept of each channel" }),
  channels: {
    ...optional(
      count({ meaning: "outputs of the layer before the classifier; null: there is none (segmentation_models)" }),
    ),
    default: 256,
  },
  dropout: dropoutField({ default: 0, meaning: "share of the numbers that training drops after the pool" }),
};

/** Which classes an image shows anywhere: pooled features, and one or two linear layers, `aux.0` and `aux.2`. */
class ImageAuxiliary extends AuxiliaryHead {
  readonly #config: ValuesOf<typeof fields>;
  readonly #dropout: Dropout;
  readonly #layers: Sequential;

  constructor(config: ValuesOf<typeof fields>, { inputs, classes }: AuxiliaryContext) {
    super();
    const { of, channels, dropout } = config;
    const input = inputs[of];
    const before = channels === null ? [] : [new Linear([input, channels]), new ReLU()];
    this.#config = config;
    this.#dropout = new Dropout(dropout);
    this.#layers = new Sequential(...before, new Linear([channels ?? input, classes]));
  }

  override *children(): Generator<[string, Module]> {
    yield ["dropout", this.#dropout];
    yield* this.#layers.children();
  }

  predict<T extends Tensor>(features: Features<T>): T {
    const { of, pool } = this.#config;
    const x = features[of];
    return x.scope(() => {
      const cell = pool === "max" ? x.adaptiveMaxPool2d(1) : x.adaptiveAvgPool2d(1);
      return this.#layers.forward(this.#dropout.forward(cell.flatten(1, 3))); // [n, classes]
    });
  }
}

export const imageAuxiliary = kind({
  name: "image",
  fields,
  create: (config, context: AuxiliaryContext): AuxiliaryHead => new ImageAuxiliary(config, context),
});
