import { count, counts, flag, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { MaxPool2d, ReLU, Sequential } from "../nn/layers.js";
import type { Layer } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";
import { Backbone, type Features } from "./backbone.js";
import { BasicBlock, Bottleneck, convolution } from "./residualBlocks.js";

export const DEPTHS = [18, 34, 50, 101, 152] as const;
export type Depth = (typeof DEPTHS)[number];

const BLOCKS: Record<Depth, readonly [number, number, number, number]> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

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
  firstDilation: oneOf(["full", "halved"], {
    default: "full",
    meaning: "dilation of a dilated stage's first block, as its others (the authors) or half (mmseg, CSAIL)",
  }),
  outputStride: oneOf([8, 16], { default: 8, meaning: "the image's side over that of the features" }),
  width: count({ default: 64, meaning: "channels of the first stage; 64 in every published network" }),
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
  readonly layer3: Sequential;
  readonly layer4: Sequential;
  readonly channels: Backbone["channels"];
  readonly stride: number;

  constructor(config: ResNetConfig, norm: Norm) {
    super();
    const [layer1, layer2, layer3, layer4] = layersOf(config, norm);
    this.layer0 = stemOf(config, norm);
    this.layer1 = layer1;
    this.layer2 = layer2;
    this.layer3 = layer3;
    this.layer4 = layer4;
    const first = config.width * blockOf(config).expansion;
    this.channels = { middle: 4 * first, last: 8 * first };
    this.stride = config.outputStride;
  }

  /** Shapes below are those of ResNet-50 at output stride 8. */
  features<T extends Tensor>(x: T): Features<T> {
    const stem = this.layer0.forward(x); // [n, 128, h/4, w/4]
    const x2 = this.layer2.forward(this.layer1.forward(stem)); // [n, 512, h/8, w/8]
    const middle = this.layer3.forward(x2); // [n, 1024, h/8, w/8], dilation 2
    const last = this.layer4.forward(middle); // [n, 2048, h/8, w/8], dilation 4
    return { middle, last };
  }
}

function blockOf({ layers }: ResNetConfig) {
  return layers >= 50 ? Bottleneck : BasicBlock;
}

function stemOf({ stem, stemChannels, ceilPool }: ResNetConfig, norm: Norm): Sequential {
  const kernel = stem === "deep" ? 3 : 7;
  const layers: Layer[] = [];
  let input = 3;
  for (const [i, output] of stemChannels.entries()) {
    layers.push(convolution([input, output], { kernel, stride: i === 0 ? 2 : 1 }), norm(output), new ReLU());
    input = output;
  }
  const rounding = ceilPool ? { ceilMode: true } : { padding: 1 };
  return new Sequential(...layers, new MaxPool2d({ kernelSize: 3, stride: 2, ...rounding }));
}

function layersOf(config: ResNetConfig, norm: Norm): Sequential[] {
  const { stemChannels, width, layers, strideIn } = config;
  const Block = blockOf(config);
  let input = stemChannels[stemChannels.length - 1];
  return stagesOf(config).map(({ stride, first, dilation }, i) => {
    const planes = width * 2 ** i;
    const blocks = Array.from({ length: BLOCKS[layers][i] }, (_, block) => {
      const place = block === 0 ? { stride, dilation: first } : { stride: 1, dilation };
      const made = new Block({ ...place, input, planes, strideIn, norm });
      input = planes * Block.expansion;
      return made;
    });
    return new Sequential(...blocks);
  });
}

/** Stride of a stage's first block, dilation of that block, and of the others. */
interface Stage {
  readonly stride: number;
  readonly first: number;
  readonly dilation: number;
}

function stagesOf({ outputStride, firstDilation }: ResNetConfig): readonly Stage[] {
  const plain = (stride: number): Stage => ({ stride, first: 1, dilation: 1 });
  const dilated = (dilation: number): Stage => ({
    stride: 1,
    first: firstDilation === "full" ? dilation : dilation / 2,
    dilation,
  });
  return outputStride === 8 ? [plain(1), plain(2), dilated(2), dilated(4)] : [plain(1), plain(2), plain(2), dilated(2)];
}

export const resNet = kind({
  name: "resnet",
  fields,
  derive: ({ stem, width }) => ({ stemChannels: stem === "deep" ? [width, width, 2 * width] : [width] }),
  check: ({ stem, stemChannels }) => {
    const convolutions = stem === "deep" ? 3 : 1;
    if (stemChannels.length === convolutions) return [];
    return [mismatch(["stemChannels"], `${convolutions} numbers for stem=${stem}`, stemChannels)];
  },
  create: (config, norm: Norm) => new ResNet(config, norm),
});
