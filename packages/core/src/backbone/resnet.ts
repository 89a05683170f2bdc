import { count, counts, flag, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { MaxPool2d, ReLU, Sequential } from "../nn/layers.js";
import type { Layer } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";
import { Backbone, type BackboneContext, type Features } from "./backbone.js";
import { EndPaddedConv2d, EndPaddedMaxPool2d } from "./endPadding.js";
import { BasicBlock, Bottleneck, convolution } from "./residualBlocks.js";

export const DEPTHS = [18, 34, 50, 101, 152, 269] as const;
export type Depth = (typeof DEPTHS)[number];

export const BLOCKS: Readonly<Record<Depth, readonly [number, number, number, number]>> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
  269: [3, 30, 48, 8],
};

/** Dilation of each stage where strides are left out for it. */
const DILATIONS = { 8: [1, 1, 2, 4], 16: [1, 1, 1, 2], 32: [1, 1, 1, 1] } as const;

const fields = {
  layers: oneOf(DEPTHS, { default: 50, meaning: "depth" }),
  stem: oneOf(["deep", "plain"], {
    default: "deep",
    meaning: "three 3x3 convolutions, as the paper's authors, or one 7x7, as torchvision",
  }),
  stemChannels: counts({
    meaning: "outputs of the stem's convolutions: three for deep (mmseg's are 32, 32, 64), one for plain",
  }),
  strideIn: oneOf(["1x1", "3x3"], {
    default: "3x3",
    meaning: "the convolution of a bottleneck that strides, as Caffe's ResNet-50 or as PyTorch",
  }),
  ceilPool: flag({ default: false, meaning: "max-pool without padding, sizes rounded up, as Caffe" }),
  stages: oneOf([2, 3, 4], { default: 4, meaning: "how many of the four stages there are (segmentation_models: 2)" }),
  outputStride: oneOf([8, 16, 32], {
    default: 8,
    meaning: "the image's side over that of the features; stages stride until it is reached",
  }),
  dilations: counts({
    meaning: "dilation of each of the four stages (mmseg's D32 keeps 1, 1, 2, 4 though it strides)",
  }),
  firstDilation: oneOf(["full", "halved", "none"], {
    default: "full",
    meaning: "dilation of a dilated stage's first block: as its others (the authors), half (mmseg, CSAIL), 1 (Lextal)",
  }),
  basicDilation: oneOf(["both", "first", "stage"], {
    default: "both",
    meaning: "dilation of a basic block's second convolution: as its first, none (mmseg), or the stage's (CSAIL)",
  }),
  shortcut: oneOf(["projection", "average"], {
    default: "projection",
    meaning:
      "how strided shortcuts shrink: by the 1x1 convolution's stride, or a mean before it (ResNet-vd, PaddleSeg)",
  }),
  stemPadding: oneOf(["both", "end", "poolEnd"], {
    default: "both",
    meaning:
      "where strides of the stem pad: on both sides, on the right and bottom as TensorFlow does at even sides, or so in the pool alone",
  }),
  width: count({ default: 64, meaning: "channels of the first stage; 64 in every published network" }),
  groups: count({ default: 1, meaning: "groups of a bottleneck's 3x3 convolution (ResNeXt-50 32x4d: 32)" }),
  groupWidth: count({
    default: 64,
    meaning: "channels of a group in the first stage of width 64 (ResNeXt-50 32x4d: 4; wide ResNets: 128 in one group)",
  }),
};

type ResNetConfig = ValuesOf<typeof fields>;

/**
 * The dilated residual networks of the paper (He et al., arXiv 1512.03385, with Yu and Koltun's dilation instead of the
 * last strides, section 3.2), named as in the official PyTorch release, `model/resnet.py`.
 */
export class ResNet extends Backbone {
  readonly layer0: Sequential;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential | null;
  readonly layer4: Sequential | null;
  readonly channels: Backbone["channels"];
  readonly stride: number;

  constructor(config: ResNetConfig, context: BackboneContext) {
    super();
    const [layer1, layer2, layer3 = null, layer4 = null] = layersOf(config, context.norm);
    this.layer0 = stemOf(config, context);
    this.layer1 = layer1;
    this.layer2 = layer2;
    this.layer3 = layer3;
    this.layer4 = layer4;
    const last = config.width * blockOf(config).expansion * 2 ** (config.stages - 1);
    this.channels = { middle: last / 2, last };
    this.stride = config.outputStride;
  }

  /** Shapes below are those of ResNet-50 at output stride 8. `middle` is what the last stage reads. */
  features<T extends Tensor>(x: T): Features<T> {
    const { layer0, layer1, layer2, layer3, layer4 } = this;
    const x1 = layer1.forward(layer0.forward(x)); // [n, 256, h/4, w/4]
    const x2 = layer2.forward(x1); // [n, 512, h/8, w/8]
    if (layer3 === null) return { middle: x1, last: x2 };
    const x3 = layer3.forward(x2); // [n, 1024, h/8, w/8], dilation 2
    if (layer4 === null) return { middle: x2, last: x3 };
    return { middle: x3, last: layer4.forward(x3) }; // [n, 2048, h/8, w/8], dilation 4
  }
}

function blockOf({ layers }: ResNetConfig) {
  return layers >= 50 ? Bottleneck : BasicBlock;
}

function stemOf(
  { stem, stemChannels, stemPadding, ceilPool }: ResNetConfig,
  { input: channels, norm }: BackboneContext,
): Sequential {
  const kernel = stem === "deep" ? 3 : 7;
  const layers: Layer[] = [];
  let input = channels;
  for (const [i, output] of stemChannels.entries()) {
    const options = { kernel, stride: i === 0 ? 2 : 1 };
    const atEnd = i === 0 && stemPadding === "end";
    const made = atEnd ? new EndPaddedConv2d([input, output], options) : convolution([input, output], options);
    layers.push(made, norm(output), new ReLU());
    input = output;
  }
  const pool = { kernelSize: 3, stride: 2 };
  if (stemPadding !== "both") return new Sequential(...layers, new EndPaddedMaxPool2d(pool));
  return new Sequential(...layers, new MaxPool2d({ ...pool, ...(ceilPool ? { ceilMode: true } : { padding: 1 }) }));
}

function layersOf(config: ResNetConfig, norm: Norm): Sequential[] {
  const { stemChannels, width, layers, strideIn, shortcut, groups, groupWidth } = config;
  const Block = blockOf(config);
  let input = stemChannels[stemChannels.length - 1];
  return stagesOf(config).map(({ stride, dilations }, i) => {
    const planes = width * 2 ** i;
    const blocks = Array.from({ length: BLOCKS[layers][i] }, (_, block) => {
      const place = block === 0 ? { stride, dilations: dilations.first } : { stride: 1, dilations: dilations.others };
      const made = new Block({ ...place, input, planes, strideIn, shortcut, groups, groupWidth, norm });
      input = planes * Block.expansion;
      return made;
    });
    return new Sequential(...blocks);
  });
}

/** Stride of a stage's first block, dilations of a basic block's two convolutions (a bottleneck has the first) there and in the others. */
interface Stage {
  readonly stride: number;
  readonly dilations: Readonly<Record<"first" | "others", readonly [number, number]>>;
}

function stagesOf({ stages, outputStride, dilations, firstDilation, basicDilation }: ResNetConfig): Stage[] {
  const share = { full: 1, halved: 1 / 2, none: 0 }[firstDilation];
  return dilations.slice(0, stages).map((dilation, i) => {
    const pair = (first: number) => [first, { both: first, first: 1, stage: dilation }[basicDilation]] as const;
    const first = Math.max(1, Math.floor(dilation * share));
    const stride = i > 0 && 4 * 2 ** i <= outputStride ? 2 : 1;
    return { stride, dilations: { first: pair(first), others: pair(dilation) } };
  });
}

export const resNet = kind({
  name: "resnet",
  fields,
  derive: ({ stem, width, outputStride }) => ({
    stemChannels: stem === "deep" ? [width, width, 2 * width] : [width],
    dilations: DILATIONS[outputStride],
  }),
  check: ({ layers, stem, stemChannels, stages, outputStride, dilations, groups, groupWidth }) => {
    const convolutions = stem === "deep" ? 3 : 1;
    const most = 2 ** (stages + 1);
    return [
      ...(stemChannels.length === convolutions
        ? []
        : [mismatch(["stemChannels"], `${convolutions} numbers for stem=${stem}`, stemChannels)]),
      ...(outputStride <= most
        ? []
        : [mismatch(["outputStride"], `at most ${most} for stages=${stages}`, outputStride)]),
      ...(layers >= 50 || groups === 1 ? [] : [mismatch(["groups"], `1 for layers=${layers}`, groups)]),
      ...(layers >= 50 || groupWidth === 64 ? [] : [mismatch(["groupWidth"], `64 for layers=${layers}`, groupWidth)]),
      ...(dilations.length === 4 ? [] : [mismatch(["dilations"], "4 numbers, one for each stage", dilations)]),
    ];
  },
  create: (config, context: BackboneContext) => new ResNet(config, context),
});
