import { count, counts, number, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { type Conv2dLayerOptions, ReLU6, Sequential } from "../nn/layers.js";
import { Layer, type Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";
import { Backbone, type BackboneContext, type Features } from "./backbone.js";
import { convolution } from "./residualBlocks.js";

/** Of each stage: channels inside over those of its input, its channels, its blocks, and the stride of a classifier's. */
const STAGES = [
  { expansion: 1, channels: 16, blocks: 1, stride: 1 },
  { expansion: 6, channels: 24, blocks: 2, stride: 2 },
  { expansion: 6, channels: 32, blocks: 3, stride: 2 },
  { expansion: 6, channels: 64, blocks: 4, stride: 2 },
  { expansion: 6, channels: 96, blocks: 3, stride: 1 },
  { expansion: 6, channels: 160, blocks: 3, stride: 2 },
  { expansion: 6, channels: 320, blocks: 1, stride: 1 },
] as const;

/** The stem's channels. */
const STEM = 32;
/** How many stages there are behind the middle features. */
const BEHIND = 2;

/** Dilation of each stage where strides are left out for it. */
const DILATIONS = {
  8: [1, 1, 1, 2, 2, 4, 4],
  16: [1, 1, 1, 1, 1, 2, 2],
  32: [1, 1, 1, 1, 1, 1, 1],
} as const;

const fields = {
  stages: oneOf([3, 5, 7], { default: 7, meaning: "how many of the seven stages there are (segmentation_models: 3)" }),
  outputStride: oneOf([8, 16, 32], {
    default: 8,
    meaning: "the image's side over that of the features; stages stride until it is reached",
  }),
  dilations: counts({ meaning: "dilation of each of the seven stages" }),
  firstDilation: oneOf(["full", "halved", "alone"], {
    default: "full",
    meaning:
      "dilation of a stage's first block: as the others, half where it has lost its stride (CSAIL, bubbliiiing), or it alone has one (mmseg)",
  }),
  multiplier: number("a number above 0", (value) => value > 0, { default: 1, meaning: "of all channels" }),
  divisor: count({ default: 8, meaning: "what numbers of channels are rounded to multiples of" }),
};

type MobileNetV2Config = ValuesOf<typeof fields>;

/** The nearest multiple, or the one above where that would take more than a tenth away. */
function divisible(channels: number, divisor: number): number {
  const nearest = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return nearest < 0.9 * channels ? nearest + divisor : nearest;
}

interface BlockOptions {
  readonly expansion: number;
  readonly stride: number;
  readonly dilation: number;
  readonly norm: Norm;
}

/** bn(conv1x1(relu6(bn(depthwise(relu6(bn(conv1x1(x)))))))), and x where the sizes are the same. */
class InvertedResidual extends Layer {
  readonly conv: Sequential;
  readonly #residual: boolean;

  constructor([input, output]: readonly [number, number], { expansion, stride, dilation, norm }: BlockOptions) {
    super();
    const inner = input * expansion;
    this.conv = new Sequential(
      ...(expansion === 1 ? [] : [normed([input, inner], { kernel: 1, norm })]),
      normed([inner, inner], { kernel: 3, stride, dilation, groups: inner, norm }),
      convolution([inner, output], { kernel: 1 }),
      norm(output),
    );
    this.#residual = stride === 1 && input === output;
  }

  protected compute<T extends Tensor>(x: T): T {
    const y = this.conv.forward(x);
    return this.#residual ? y.add(x) : y;
  }
}

function normed(
  channels: readonly [number, number],
  { norm, ...options }: Conv2dLayerOptions & { readonly norm: Norm },
): Sequential {
  return new Sequential(convolution(channels, options), norm(channels[1]), new ReLU6());
}

/**
 * MobileNetV2 (Sandler et al., arXiv 1801.04381), named as torchvision's: `features.1.conv.0.0`. Its last 1x1 convolution belongs to the
 * classifier and is left out.
 */
export class MobileNetV2 extends Backbone {
  readonly channels: Backbone["channels"];
  readonly stride: number;
  /** As in torchvision's list, the stem first. */
  readonly #layers: readonly Layer[];
  /** How many of them there are before the middle features. */
  readonly #middle: number;

  constructor(config: MobileNetV2Config, { input: channels, norm }: BackboneContext) {
    super();
    const { stages, outputStride, multiplier, divisor } = config;
    const last = stages - 1 - BEHIND;
    const width = (channels: number) => divisible(channels * multiplier, divisor);
    const layers: Layer[] = [normed([channels, width(STEM)], { kernel: 3, stride: 2, norm })];
    let input = width(STEM);
    let reached = 2;
    let middle = 0;
    for (const [i, { expansion, channels, blocks, stride: wanted }] of STAGES.slice(0, stages).entries()) {
      const stride = reached * wanted <= outputStride ? wanted : 1;
      reached *= stride;
      const dilation = config.dilations[i];
      const halved = config.firstDilation === "halved" && stride < wanted;
      for (let block = 0; block < blocks; block++) {
        const others = config.firstDilation === "alone" ? 1 : dilation;
        const place = block > 0 ? { stride: 1, dilation: others } : { stride, dilation: firstOf(dilation, halved) };
        layers.push(new InvertedResidual([input, width(channels)], { expansion, ...place, norm }));
        input = width(channels);
      }
      if (i === last) middle = layers.length;
    }
    this.channels = { middle: width(STAGES[last].channels), last: input };
    this.stride = outputStride;
    this.#layers = layers;
    this.#middle = middle;
  }

  override *children(): Generator<[string, Module]> {
    for (const [i, layer] of this.#layers.entries()) yield [`features.${i}`, layer];
  }

  features<T extends Tensor>(x: T): Features<T> {
    const run = (y: T, layers: readonly Layer[]) => y.scope(() => layers.reduce((z, layer) => layer.forward(z), y));
    const middle = run(x, this.#layers.slice(0, this.#middle)); // [n, 96, h/8, w/8], dilation 2
    return { middle, last: run(middle, this.#layers.slice(this.#middle)) }; // [n, 320, h/8, w/8], dilation 4
  }
}

function firstOf(dilation: number, halved: boolean): number {
  return halved ? Math.max(1, Math.floor(dilation / 2)) : dilation;
}

export const mobileNetV2 = kind({
  name: "mobilenetv2",
  fields,
  derive: ({ outputStride }) => ({ dilations: DILATIONS[outputStride] }),
  check: ({ stages, outputStride, dilations }) => {
    const most = { 3: 8, 5: 16, 7: 32 }[stages];
    return [
      ...(outputStride <= most
        ? []
        : [mismatch(["outputStride"], `at most ${most} for stages=${stages}`, outputStride)]),
      ...(dilations.length === STAGES.length
        ? []
        : [mismatch(["dilations"], "7 numbers, one for each stage", dilations)]),
    ];
  },
  create: (config, context: BackboneContext): Backbone => new MobileNetV2(config, context),
});
