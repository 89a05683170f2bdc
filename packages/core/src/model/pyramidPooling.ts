import { BatchNorm2d, Conv2d, ReLU, Sequential } from "../nn/layers.js";
import { Layer, Module } from "../nn/module.js";
import type { Tensor } from "../tensor/tensor.js";
import { type PSPNetConfig, stageChannels } from "./config.js";

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

  constructor(config: PSPNetConfig) {
    super();
    const { bins, pool, reduction, alignCorners, concatOrder, bnEps, bnMomentum } = config;
    const input = stageChannels(config)[3];
    const reduced = reduction ? Math.floor(input / bins.length) : input;
    const reduce = () => [
      new Conv2d([input, reduced], { kernel: 1 }),
      new BatchNorm2d(reduced, { eps: bnEps, momentum: bnMomentum }),
      new ReLU(),
    ];
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
