import { counts, flag, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { type Conv2d, Sequential } from "../nn/layers.js";
import { Layer } from "../nn/module.js";
import { ALIGN_CORNERS } from "../tensor/alignCorners.js";
import type { Tensor } from "../tensor/tensor.js";
import { Pyramid, type PyramidContext } from "./pyramid.js";
import { pyramidConvolution } from "./pyramidConvolution.js";
import { levelChannels, levelFields, pyramidLevel } from "./pyramidLevel.js";

const fields = {
  bins: counts({ default: [1, 2, 3, 6], meaning: "cells a side of the pyramid's levels, from coarse to fine" }),
  pool: oneOf(["average", "max"], { default: "average", meaning: "what a cell keeps of its features" }),
  reduction: flag({
    default: true,
    meaning: "whether a 1x1 convolution makes `channels` of each level's features; without, it keeps them as they are",
  }),
  ...levelFields,
  concatOrder: oneOf(["ascending", "descending"], {
    default: "ascending",
    meaning: "order of the levels: 1, 2, 3, 6 as the official PyTorch, or 6, 3, 2, 1 as Caffe",
  }),
  features: oneOf(["first", "last"], {
    default: "first",
    meaning: "where the features stand in the concatenation: before the levels, or after (segmentation_models, Lextal)",
  }),
  alignCorners: oneOf(ALIGN_CORNERS, {
    default: true,
    meaning:
      "whether levels are enlarged from corner to corner; asymmetric, from their upper left corners, as TensorFlow 1",
  }),
};

/** The first step of a level: the features' average or maximum in each of `bins` x `bins` cells. */
class AdaptivePool2d extends Layer {
  constructor(
    readonly bins: number,
    readonly pool: "average" | "max",
  ) {
    super();
  }

  protected compute<T extends Tensor>(x: T): T {
    return this.pool === "average" ? x.adaptiveAvgPool2d(this.bins) : x.adaptiveMaxPool2d(this.bins);
  }
}

/**
 * The pyramid pooling module (paper, section 3.2 and figure 3): the features beside their summaries over the whole image
 * and its sub-regions, each reduced by a 1x1 convolution and enlarged to the features' size.
 *
 * `features.{i}` are the levels, coarse to fine; `features.{i}.1` and `.2` their convolution and batch norm.
 */
export class PyramidPooling extends Pyramid {
  readonly features: readonly Sequential[];
  readonly channels: number;
  readonly #config: ValuesOf<typeof fields>;

  constructor(config: ValuesOf<typeof fields>, { input, norm }: PyramidContext) {
    super();
    const { bins, pool, reduction } = config;
    const output = reduction ? levelChannels(config, { input, levels: bins, key: "bins" }) : input;
    this.features = bins.map((bin) => {
      const cells = new AdaptivePool2d(bin, pool);
      return reduction
        ? pyramidLevel(cells, config, { input, output, norm, oneCell: bin === 1 })
        : new Sequential(cells);
    });
    this.channels = input + bins.length * output;
    this.#config = config;
  }

  forward<T extends Tensor>(x: T): T {
    const { alignCorners, features } = this.#config;
    return x.scope(() => {
      const levels = this.#levels(x).map((level) => level.resizeLike(x, { alignCorners }));
      const [first, ...rest] = features === "first" ? [x, ...levels] : [...levels, x];
      return first.cat(rest, 1);
    });
  }

  /** Without the concatenation: {@link pyramidConvolution}. */
  override convolve<T extends Tensor>(x: T, convolution: Conv2d): T {
    const { alignCorners, features } = this.#config;
    return x.scope(() => pyramidConvolution(x, { levels: this.#levels(x), convolution, features, alignCorners }));
  }

  /** The reduced levels in the order of their concatenation, `[n, c_b, bins_b, bins_b]` each. */
  #levels<T extends Tensor>(x: T): T[] {
    const levels = this.features.map((level) => level.forward(x));
    return this.#config.concatOrder === "descending" ? levels.reverse() : levels;
  }
}

export const pyramidPooling = kind({
  name: "pooling",
  fields,
  check: ({ bins }) => {
    if (bins.every((bin, i) => i === 0 || bin > bins[i - 1])) return [];
    const mend = "concatOrder=descending concatenates them the other way round";
    return [mismatch(["bins"], `cells a side in ascending order (${mend})`, bins)];
  },
  create: (config, context: PyramidContext) => new PyramidPooling(config, context),
});

/** Without a pyramid the network is the paper's baseline, a dilated FCN. */
export const noPyramid = kind({ name: "none", fields: {}, create: () => null });
