import { counts, flag, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { PspnetError } from "../error.js";
import { Conv2d, ReLU, Sequential } from "../nn/layers.js";
import { Layer, Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";

const fields = {
  bins: counts({ default: [1, 2, 3, 6], meaning: "cells a side of the pyramid's levels, from coarse to fine" }),
  pool: oneOf(["average", "max"], { default: "average", meaning: "what a cell keeps of its features" }),
  reduction: flag({
    default: true,
    meaning: "whether a 1x1 convolution reduces each level to features / levels channels (the paper's DR)",
  }),
  concatOrder: oneOf(["ascending", "descending"], {
    default: "ascending",
    meaning: "order of the levels after the features: 1, 2, 3, 6 as the official PyTorch, or 6, 3, 2, 1 as Caffe",
  }),
  alignCorners: flag({ default: true, meaning: "whether levels are enlarged from corner to corner" }),
};

/** What a pyramid stands on. */
export interface PyramidContext {
  /** Channels of the features. */
  readonly input: number;
  readonly norm: Norm;
}

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
export class PyramidPooling extends Module {
  readonly features: readonly Sequential[];
  /** Channels of the output. */
  readonly channels: number;
  readonly alignCorners: boolean;
  readonly #descending: boolean;

  constructor(config: ValuesOf<typeof fields>, { input, norm }: PyramidContext) {
    super();
    const { bins, pool, reduction, alignCorners, concatOrder } = config;
    if (reduction && input < bins.length) {
      const expected = `at most as many levels as features (${input})`;
      throw new PspnetError("config", `pyramid.bins: expected ${expected}, found ${JSON.stringify(bins)}`);
    }
    const reduced = reduction ? Math.floor(input / bins.length) : input;
    const reduce = () => [new Conv2d([input, reduced], { kernel: 1 }), norm(reduced), new ReLU()];
    this.features = bins.map((bin) => new Sequential(new AdaptivePool2d(bin, pool), ...(reduction ? reduce() : [])));
    this.channels = input + bins.length * reduced;
    this.alignCorners = alignCorners;
    this.#descending = concatOrder === "descending";
  }

  /** The reduced levels in the order of their concatenation, `[n, c_b, bins_b, bins_b]` each. */
  levels<T extends Tensor>(x: T): T[] {
    const levels = this.features.map((level) => level.forward(x));
    return this.#descending ? levels.reverse() : levels;
  }

  /** The paper's form: `x` and the enlarged levels concatenated, `[n, c, h, w]` to `[n, channels, h, w]`. */
  forward<T extends Tensor>(x: T): T {
    const { alignCorners } = this;
    return x.cat(
      this.levels(x).map((level) => level.resizeLike(x, { alignCorners })),
      1,
    );
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
