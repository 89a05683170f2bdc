import { count, counts, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { AvgPool2d, type BatchNorm2d, type Conv2d, MaxPool2d, NamedSequential, ReLU } from "../nn/layers.js";
import { Layer, type Module } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";
import { Backbone, type BackboneContext, type Features } from "./backbone.js";
import { convolution } from "./residualBlocks.js";

/** Layers of each block, channels of the stem, and what each layer adds. */
export const DENSE_VARIANTS = {
  121: { blocks: [6, 12, 24, 16], width: 64, growth: 32 },
  161: { blocks: [6, 12, 36, 24], width: 96, growth: 48 },
  169: { blocks: [6, 12, 32, 32], width: 64, growth: 32 },
  201: { blocks: [6, 12, 48, 32], width: 64, growth: 32 },
} as const;

export const DENSE_DEPTHS = [121, 161, 169, 201] as const;

const fields = {
  layers: oneOf(DENSE_DEPTHS, { default: 121, meaning: "depth" }),
  stages: oneOf([2, 3, 4], {
    default: 4,
    meaning:
      "how many of the four blocks there are; behind fewer stand batch norm and ReLU of the next transition (segmentation_models: 2)",
  }),
  outputStride: oneOf([8, 16, 32], {
    default: 8,
    meaning: "the image's side over that of the features; transitions pool until it is reached",
  }),
  dilations: counts({ default: [1, 1, 1, 1], meaning: "dilation of each of the four blocks (yassouali's 1, 1, 2, 4)" }),
  width: count({ meaning: "channels of the stem" }),
  growth: count({ meaning: "channels that each layer adds" }),
};

type DenseNetConfig = ValuesOf<typeof fields>;

/** Channels of a layer's 1x1 convolution over what it adds. */
const BOTTLENECK = 4;

/** x beside conv3x3(relu(bn(conv1x1(relu(bn(x)))))). */
class DenseLayer extends Layer {
  readonly norm1: BatchNorm2d;
  readonly conv1: Conv2d;
  readonly norm2: BatchNorm2d;
  readonly conv2: Conv2d;

  constructor(input: number, { growth, dilation, norm }: { growth: number; dilation: number; norm: Norm }) {
    super();
    const inner = BOTTLENECK * growth;
    this.norm1 = norm(input);
    this.conv1 = convolution([input, inner], { kernel: 1 });
    this.norm2 = norm(inner);
    this.conv2 = convolution([inner, growth], { kernel: 3, dilation });
  }

  protected compute<T extends Tensor>(x: T): T {
    const y = this.conv1.forward(this.norm1.relu(x));
    return x.cat([this.conv2.forward(this.norm2.relu(y))], 1);
  }
}

/**
 * Densely connected networks (Huang et al., arXiv 1608.06993), named as torchvision's: `features.denseblock1.denselayer1.norm1`.
 * As under both published PSPNets that stand on it, its last batch norm is left out.
 */
export class DenseNet extends Backbone {
  readonly channels: Backbone["channels"];
  readonly stride: number;
  readonly #front: NamedSequential;
  readonly #last: NamedSequential;

  constructor(config: DenseNetConfig, { input: channels, norm }: BackboneContext) {
    super();
    const { layers, stages, outputStride, dilations, width, growth } = config;
    const front: Record<string, Layer> = {
      conv0: convolution([channels, width], { kernel: 7, stride: 2 }),
      norm0: norm(width),
      relu0: new ReLU(),
      pool0: new MaxPool2d({ kernelSize: 3, stride: 2, padding: 1 }),
    };
    const blocks = DENSE_VARIANTS[layers].blocks.slice(0, stages);
    const last: Record<string, Layer> = {};
    let input: number = width;
    for (const [i, length] of blocks.entries()) {
      const isLast = i === blocks.length - 1;
      const block: Record<string, Layer> = {};
      for (let layer = 1; layer <= length; layer++) {
        block[`denselayer${layer}`] = new DenseLayer(input, { growth, dilation: dilations[i], norm });
        input += growth;
      }
      (isLast ? last : front)[`denseblock${i + 1}`] = new NamedSequential(block);
      if (isLast) break;
      const output = Math.floor(input / 2);
      const pools = 8 * 2 ** i <= outputStride;
      front[`transition${i + 1}`] = transition([input, output], { pools, norm });
      input = output;
    }
    if (stages < 4) last[`transition${stages}`] = new NamedSequential({ norm: norm(input), relu: new ReLU() });
    this.channels = { middle: input - blocks[stages - 1] * growth, last: input };
    this.stride = outputStride;
    this.#front = new NamedSequential(front);
    this.#last = new NamedSequential(last);
  }

  override *children(): Generator<[string, Module]> {
    yield ["features", this.#front];
    yield ["features", this.#last];
  }

  /** Shapes below are those of DenseNet-121 at output stride 8. */
  features<T extends Tensor>(x: T): Features<T> {
    const middle = this.#front.forward(x); // [n, 512, h/8, w/8], after the last transition
    return { middle, last: this.#last.forward(middle) }; // [n, 1024, h/8, w/8]
  }
}

/** Between blocks: half the channels, and half the sides where it pools. */
function transition(
  channels: readonly [number, number],
  { pools, norm }: { readonly pools: boolean; readonly norm: Norm },
): NamedSequential {
  return new NamedSequential({
    norm: norm(channels[0]),
    relu: new ReLU(),
    conv: convolution(channels, { kernel: 1 }),
    ...(pools && { pool: new AvgPool2d({ kernelSize: 2, stride: 2 }) }),
  });
}

export const denseNet = kind({
  name: "densenet",
  fields,
  derive: ({ layers }) => ({ width: DENSE_VARIANTS[layers].width, growth: DENSE_VARIANTS[layers].growth }),
  check: ({ stages, outputStride, dilations }) => {
    const most = 2 ** (stages + 1);
    return [
      ...(outputStride <= most
        ? []
        : [mismatch(["outputStride"], `at most ${most} for stages=${stages}`, outputStride)]),
      ...(dilations.length === 4 ? [] : [mismatch(["dilations"], "4 numbers, one for each block", dilations)]),
    ];
  },
  create: (config, context: BackboneContext): Backbone => new DenseNet(config, context),
});
