import { kaimingNormal } from "../nn/initialisers.js";
import { BatchNorm2d, Conv2d, type Conv2dLayerOptions, MaxPool2d, ReLU, Sequential } from "../nn/layers.js";
import { Layer } from "../nn/module.js";
import type { Tensor } from "../tensor/tensor.js";
import type { Depth, PSPNetConfig } from "./config.js";

/**
 * The dilated residual networks of the paper (He et al., arXiv 1512.03385, with Yu and Koltun's dilation instead of the
 * last strides, section 3.2), named as in the official PyTorch release, `model/resnet.py`.
 */

const BLOCKS: Record<Depth, readonly [number, number, number, number]> = {
  18: [2, 2, 2, 2],
  34: [3, 4, 6, 3],
  50: [3, 4, 6, 3],
  101: [3, 4, 23, 3],
  152: [3, 8, 36, 3],
};

/** The stages of a backbone; PSPNet takes them as its own fields, so that its checkpoints' names have no prefix. */
export interface ResNetStages {
  /** Stem and max-pool: `[n, 3, h, w]` to `[n, stem, h/4, w/4]`. */
  readonly layer0: Sequential;
  readonly layer1: Sequential;
  readonly layer2: Sequential;
  readonly layer3: Sequential;
  readonly layer4: Sequential;
}

/** Stride of a stage's first block, dilation of that block, and of the others. */
interface Stage {
  readonly stride: number;
  readonly first: number;
  readonly dilation: number;
}

export function resNetStages(config: PSPNetConfig): ResNetStages {
  const { stemChannels, width, layers } = config;
  const counts = BLOCKS[layers];
  const expansion = layers >= 50 ? Bottleneck.expansion : BasicBlock.expansion;
  const [stage1, stage2, stage3, stage4] = stagePlan(config);
  const stage = (index: number, plan: Stage) => {
    const input = index === 0 ? stemChannels[stemChannels.length - 1] : width * 2 ** (index - 1) * expansion;
    return residualStage(config, { ...plan, input, planes: width * 2 ** index, count: counts[index] });
  };
  return {
    layer0: stemOf(config),
    layer1: stage(0, stage1),
    layer2: stage(1, stage2),
    layer3: stage(2, stage3),
    layer4: stage(3, stage4),
  };
}

function stagePlan({ outputStride, firstDilation }: PSPNetConfig): readonly [Stage, Stage, Stage, Stage] {
  const plain = (stride: number): Stage => ({ stride, first: 1, dilation: 1 });
  const dilated = (dilation: number): Stage => ({
    stride: 1,
    first: firstDilation === "full" ? dilation : dilation / 2,
    dilation,
  });
  return outputStride === 8 ? [plain(1), plain(2), dilated(2), dilated(4)] : [plain(1), plain(2), plain(2), dilated(2)];
}

function stemOf(config: PSPNetConfig): Sequential {
  const { stem, stemChannels, ceilPool } = config;
  const layers: Layer[] = [];
  let input = 3;
  for (const [i, output] of stemChannels.entries()) {
    const kernel = stem === "deep" ? 3 : 7;
    layers.push(
      convolution([input, output], { kernel, stride: i === 0 ? 2 : 1 }),
      batchNorm(output, config),
      new ReLU(),
    );
    input = output;
  }
  return new Sequential(...layers, new MaxPool2d(ceilPool ? "ceil" : "floor"));
}

interface StageOptions extends Stage {
  readonly input: number;
  readonly planes: number;
  readonly count: number;
}

function residualStage(
  config: PSPNetConfig,
  { input, planes, count, stride, first, dilation }: StageOptions,
): Sequential {
  const Block = config.layers >= 50 ? Bottleneck : BasicBlock;
  const head = new Block(config, { input, planes, stride, dilation: first });
  const rest = Array.from(
    { length: count - 1 },
    () => new Block(config, { input: planes * Block.expansion, planes, stride: 1, dilation }),
  );
  return new Sequential(head, ...rest);
}

interface BlockOptions {
  readonly input: number;
  readonly planes: number;
  readonly stride: number;
  readonly dilation: number;
}

/** relu(x + bn(conv3x3(relu(bn(conv3x3(x)))))), both convolutions dilated. */
export class BasicBlock extends Layer {
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(config: PSPNetConfig, { input, planes, stride, dilation }: BlockOptions) {
    super();
    this.conv1 = convolution([input, planes], { kernel: 3, stride, dilation });
    this.bn1 = batchNorm(planes, config);
    this.conv2 = convolution([planes, planes], { kernel: 3, dilation });
    this.bn2 = batchNorm(planes, config);
    this.downsample = projection(config, [input, planes], stride);
  }

  protected compute<T extends Tensor>(x: T): T {
    const y = this.bn1.forward(this.conv1.forward(x)).relu();
    const residual = this.bn2.forward(this.conv2.forward(y));
    return residual.add(this.downsample?.forward(x) ?? x).relu();
  }
}

/** relu(x + bn(conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x))))))))), the 3x3 dilated; the last has 4 times the channels. */
export class Bottleneck extends Layer {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Sequential | null;

  constructor(config: PSPNetConfig, { input, planes, stride, dilation }: BlockOptions) {
    super();
    const output = planes * Bottleneck.expansion;
    const inFirst = config.strideIn === "1x1";
    this.conv1 = convolution([input, planes], { kernel: 1, stride: inFirst ? stride : 1 });
    this.bn1 = batchNorm(planes, config);
    this.conv2 = convolution([planes, planes], { kernel: 3, stride: inFirst ? 1 : stride, dilation });
    this.bn2 = batchNorm(planes, config);
    this.conv3 = convolution([planes, output], { kernel: 1 });
    this.bn3 = batchNorm(output, config);
    this.downsample = projection(config, [input, output], stride);
  }

  protected compute<T extends Tensor>(x: T): T {
    let y = this.bn1.forward(this.conv1.forward(x)).relu();
    y = this.bn2.forward(this.conv2.forward(y)).relu();
    const residual = this.bn3.forward(this.conv3.forward(y));
    return residual.add(this.downsample?.forward(x) ?? x).relu();
  }
}

/** The shortcut where sizes differ: a strided 1x1 convolution. Elsewhere it is the identity, null. */
function projection(config: PSPNetConfig, channels: readonly [number, number], stride: number): Sequential | null {
  if (stride === 1 && channels[0] === channels[1]) return null;
  return new Sequential(convolution(channels, { kernel: 1, stride }), batchNorm(channels[1], config));
}

/** Convolution whose padding keeps the size, up to the stride. */
function convolution(channels: readonly [number, number], options: Conv2dLayerOptions): Conv2d {
  const padding = ((options.kernel - 1) / 2) * (options.dilation ?? 1);
  return new Conv2d(channels, { padding, init: kaimingNormal, ...options });
}

function batchNorm(channels: number, { bnEps, bnMomentum }: PSPNetConfig): BatchNorm2d {
  return new BatchNorm2d(channels, { eps: bnEps, momentum: bnMomentum });
}
