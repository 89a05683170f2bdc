import type { Features } from "../backbone/backbone.js";
import { count, flag, number, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { Conv2d, Dropout, Dropout2d, ReLU, Sequential } from "../nn/layers.js";
import type { Layer, Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";
import { type AuxiliaryContext, AuxiliaryHead, Head, type HeadContext } from "./head.js";

/** A share of what training drops. */
export function dropoutField(said: { readonly default: number; readonly meaning: string }) {
  return number("a number from 0 to below 1", (value) => value >= 0 && value < 1, { ...said, trainingOnly: true });
}

/** What both heads of convolutions may be told. */
function convolutionFields({ channels }: { readonly channels: number }) {
  return {
    channels: count({ default: channels, meaning: "outputs of the convolution" }),
    bias: flag({ default: false, meaning: "whether the convolution before batch norm has a bias, as PaddleSeg's" }),
    dropout: dropoutField({ default: 0.1, meaning: "share of the channels that training drops before the classifier" }),
    dropoutOf: oneOf(["channels", "elements"], {
      default: "channels",
      meaning: "what is dropped: whole channels, or single numbers as Caffe and PaddleSeg",
      trainingOnly: true,
    }),
  };
}

const headFields = {
  ...convolutionFields({ channels: 512 }),
  norm: flag({ default: true, meaning: "whether batch norm follows the convolution" }),
  classifierKernel: oneOf([1, 3], {
    default: 1,
    meaning: "side of the classifier's kernel; segmentation_models has 3",
  }),
};

function dropoutLayer({ dropout, dropoutOf }: { readonly dropout: number; readonly dropoutOf: string }): Layer {
  return dropoutOf === "channels" ? new Dropout2d(dropout) : new Dropout(dropout);
}

interface ConvolutionHeadConfig extends ValuesOf<typeof headFields> {
  readonly kernel: 1 | 3;
}

/** A convolution, batch norm, ReLU, dropout, and a classifier: `cls.0`, `cls.1` and `cls.4`. */
export class ConvolutionHead extends Head {
  readonly #first: Conv2d;
  readonly #layers: Sequential;
  readonly #classifier: Sequential;

  constructor(config: ConvolutionHeadConfig, { input, classes, norm }: HeadContext) {
    super();
    const { kernel, channels, bias, classifierKernel } = config;
    this.#first = new Conv2d([input, channels], { kernel, padding: (kernel - 1) / 2, bias });
    const classifier = [
      ...(config.norm ? [norm(channels)] : []),
      new ReLU(),
      dropoutLayer(config),
      classifierOf([channels, classes], classifierKernel),
    ];
    this.#layers = new Sequential(this.#first, ...classifier);
    this.#classifier = new Sequential(...classifier);
  }

  override children(): Generator<[string, Module]> {
    return this.#layers.children();
  }

  protected first(): Conv2d {
    return this.#first;
  }

  protected classify<T extends Tensor>(y: T): T {
    return this.#classifier.forward(y);
  }
}

const auxiliaryFields = {
  ...convolutionFields({ channels: 256 }),
  convolutions: oneOf([1, 3], {
    default: 1,
    meaning:
      "3x3 convolutions: one, and a 1x1 to the classes; or three, to twice the channels, to these and to the classes",
  }),
};

/** Convolutions on the middle features: `aux.0`, `aux.1` and `aux.4` in the official release. */
class ConvolutionAuxiliary extends AuxiliaryHead {
  readonly #layers: Sequential;

  constructor(config: ValuesOf<typeof auxiliaryFields>, { inputs, classes, norm }: AuxiliaryContext) {
    super();
    const { channels, bias, convolutions } = config;
    const outputs = convolutions === 1 ? [channels] : [2 * channels, channels];
    const input = (i: number) => (i === 0 ? inputs.middle : outputs[i - 1]);
    this.#layers = new Sequential(
      ...outputs.flatMap((output, i) => normedConvolution([input(i), output], { bias, norm })),
      dropoutLayer(config),
      classifierOf([channels, classes], convolutions),
    );
  }

  override children(): Generator<[string, Module]> {
    return this.#layers.children();
  }

  predict<T extends Tensor>({ middle }: Features<T>): T {
    return this.#layers.forward(middle);
  }
}

function normedConvolution(
  channels: readonly [number, number],
  { bias, norm }: { readonly bias: boolean; readonly norm: Norm },
): Layer[] {
  return [new Conv2d(channels, { kernel: 3, padding: 1, bias }), norm(channels[1]), new ReLU()];
}

function classifierOf(channels: readonly [number, number], kernel: 1 | 3): Conv2d {
  return new Conv2d(channels, { kernel, padding: (kernel - 1) / 2, bias: true });
}

export const convolutionHead = kind({
  name: "conv3x3",
  fields: headFields,
  create: (config, context: HeadContext) => new ConvolutionHead({ ...config, kernel: 3 }, context),
});

/** segmentation_models' head. */
export const pointwiseHead = kind({
  name: "conv1x1",
  fields: headFields,
  create: (config, context: HeadContext) => new ConvolutionHead({ ...config, kernel: 1 }, context),
});

export const convolutionAuxiliary = kind({
  name: "conv3x3",
  fields: auxiliaryFields,
  create: (config, context: AuxiliaryContext): AuxiliaryHead => new ConvolutionAuxiliary(config, context),
});

export const noAuxiliary = kind({ name: "none", fields: {}, create: () => null });
