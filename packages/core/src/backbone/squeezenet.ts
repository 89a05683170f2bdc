import { count, counts, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { type Conv2d, type Conv2dLayerOptions, MaxPool2d, NamedSequential, ReLU } from "../nn/layers.js";
import { Layer, type Module } from "../nn/module.js";
import type { Tensor } from "../tensor/tensor.js";
import { Backbone, type BackboneContext, type Features } from "./backbone.js";
import { convolution } from "./residualBlocks.js";

const fields = {
  outputStride: oneOf([8, 16], {
    default: 8,
    meaning: "the image's side over that of the features; 8 leaves out the last pool",
  }),
  dilations: counts({
    default: [1, 2, 4],
    meaning: "dilation of the modules before, between and after the last two pools",
  }),
  width: count({ default: 64, meaning: "channels of the stem; 64 in every published network" }),
};

type SqueezeNetConfig = ValuesOf<typeof fields>;

/** A 1x1 convolution to few channels, and beside each other a 1x1 and a 3x3 to many. */
class Fire extends Layer {
  readonly squeeze: Conv2d;
  readonly expand1x1: Conv2d;
  readonly expand3x3: Conv2d;

  constructor(input: number, { few, many, dilation }: { few: number; many: number; dilation: number }) {
    super();
    this.squeeze = biased([input, few], { kernel: 1 });
    this.expand1x1 = biased([few, many], { kernel: 1 });
    this.expand3x3 = biased([few, many], { kernel: 3, dilation });
  }

  protected compute<T extends Tensor>(x: T): T {
    const y = this.squeeze.forward(x).relu();
    return this.expand1x1
      .forward(y)
      .relu()
      .cat([this.expand3x3.forward(y).relu()], 1);
  }
}

/** Without batch norm every convolution has a bias. */
function biased(channels: readonly [number, number], options: Conv2dLayerOptions): Conv2d {
  return convolution(channels, { bias: true, ...options });
}

/** Of the stem's channels: those between, and half of those after; two modules, two, then four. */
const SHARES = [
  [1 / 4, 1],
  [1 / 4, 1],
  [1 / 2, 2],
  [1 / 2, 2],
  [3 / 4, 3],
  [3 / 4, 3],
  [1, 4],
  [1, 4],
] as const;

/** The places in torchvision's list, in which the pools are 2, 5 and 8. */
const PLACES = [3, 4, 6, 7, 9, 10, 11, 12];

/**
 * SqueezeNet 1.1 (Iandola et al., arXiv 1602.07360), named as torchvision's: `features.3.squeeze`. It pads stem and pools by 1, as
 * Lextal's does, so that sides are halved.
 */
export class SqueezeNet extends Backbone {
  readonly channels: Backbone["channels"];
  readonly stride: number;
  readonly #front: NamedSequential;
  readonly #last: NamedSequential;

  constructor({ outputStride, dilations, width }: SqueezeNetConfig, { input: channels }: BackboneContext) {
    super();
    const pool = () => new MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 });
    let input = width;
    const fires = SHARES.map(([few, many], i) => {
      const dilation = dilations[i < 2 ? 0 : i < 4 ? 1 : 2];
      const made = new Fire(input, { few: Math.ceil(width * few), many: width * many, dilation });
      input = 2 * width * many;
      return [String(PLACES[i]), made] as const;
    });
    this.channels = { middle: 4 * width, last: 8 * width };
    this.stride = outputStride;
    this.#front = new NamedSequential({
      "0": biased([channels, width], { kernel: 3, stride: 2 }),
      "1": new ReLU(),
      "2": pool(),
      "5": pool(),
      ...Object.fromEntries(fires.slice(0, 4)),
    });
    this.#last = new NamedSequential({
      ...(outputStride === 16 && { "8": pool() }),
      ...Object.fromEntries(fires.slice(4)),
    });
  }

  override *children(): Generator<[string, Module]> {
    yield ["features", this.#front];
    yield ["features", this.#last];
  }

  features<T extends Tensor>(x: T): Features<T> {
    const middle = this.#front.forward(x); // [n, 256, h/8, w/8]
    return { middle, last: this.#last.forward(middle) }; // [n, 512, h/8, w/8]
  }
}

export const squeezeNet = kind({
  name: "squeezenet",
  fields,
  check: ({ dilations }) =>
    dilations.length === 3 ? [] : [mismatch(["dilations"], "3 numbers, one for each group of modules", dilations)],
  create: (config, context: BackboneContext): Backbone => new SqueezeNet(config, context),
});
