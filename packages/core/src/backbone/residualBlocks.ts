import { kaimingNormal } from "../nn/initialisers.js";
import { type BatchNorm2d, Conv2d, type Conv2dLayerOptions, Sequential } from "../nn/layers.js";
import { Layer } from "../nn/module.js";
import type { Norm } from "../nn/norm.js";
import type { Tensor } from "../tensor/tensor.js";

export interface BlockOptions {
  readonly input: number;
  readonly planes: number;
  readonly stride: number;
  /** Of the first and the second 3x3 convolution. */
  readonly dilations: readonly [number, number];
  /** Which convolution of a bottleneck strides. */
  readonly strideIn: "1x1" | "3x3";
  readonly shortcut: ShortcutKind;
  /** Of a bottleneck's 3x3 convolution. */
  readonly groups: number;
  /** Channels of each group for 64 planes. */
  readonly groupWidth: number;
  readonly norm: Norm;
}

/** How a strided shortcut comes to the smaller size: the 1x1 convolution strides, or a mean of 2x2 stands before it. */
export type ShortcutKind = "projection" | "average";

/** relu(x + bn(conv3x3(relu(bn(conv3x3(x)))))) */
export class BasicBlock extends Layer {
  static readonly expansion = 1;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly downsample: Shortcut | null;

  constructor({ input, planes, stride, dilations, shortcut, norm }: BlockOptions) {
    super();
    this.conv1 = convolution([input, planes], { kernel: 3, stride, dilation: dilations[0] });
    this.bn1 = norm(planes);
    this.conv2 = convolution([planes, planes], { kernel: 3, dilation: dilations[1] });
    this.bn2 = norm(planes);
    this.downsample = shortcutOf([input, planes], { stride, shortcut, norm });
  }

  protected compute<T extends Tensor>(x: T): T {
    const y = this.bn1.relu(this.conv1.forward(x));
    return this.bn2.relu(this.conv2.forward(y), this.downsample?.forward(x) ?? x);
  }
}

/**
 * relu(x + bn(conv1x1(relu(bn(conv3x3(relu(bn(conv1x1(x))))))))), the 3x3 dilated; the last has 4 times the planes. Groups make
 * it ResNeXt's (Xie et al., arXiv 1611.05431), more channels inside a wide ResNet's (Zagoruyko and Komodakis, arXiv 1605.07146).
 */
export class Bottleneck extends Layer {
  static readonly expansion = 4;
  readonly conv1: Conv2d;
  readonly bn1: BatchNorm2d;
  readonly conv2: Conv2d;
  readonly bn2: BatchNorm2d;
  readonly conv3: Conv2d;
  readonly bn3: BatchNorm2d;
  readonly downsample: Shortcut | null;

  constructor({ input, planes, stride, dilations, strideIn, shortcut, groups, groupWidth, norm }: BlockOptions) {
    super();
    const [dilation] = dilations;
    const inner = Math.floor((planes * groupWidth) / 64) * groups;
    const output = planes * Bottleneck.expansion;
    const inFirst = strideIn === "1x1";
    this.conv1 = convolution([input, inner], { kernel: 1, stride: inFirst ? stride : 1 });
    this.bn1 = norm(inner);
    this.conv2 = convolution([inner, inner], { kernel: 3, stride: inFirst ? 1 : stride, dilation, groups });
    this.bn2 = norm(inner);
    this.conv3 = convolution([inner, output], { kernel: 1 });
    this.bn3 = norm(output);
    this.downsample = shortcutOf([input, output], { stride, shortcut, norm });
  }

  protected compute<T extends Tensor>(x: T): T {
    let y = this.bn1.relu(this.conv1.forward(x));
    y = this.bn2.relu(this.conv2.forward(y));
    return this.bn3.relu(this.conv3.forward(y), this.downsample?.forward(x) ?? x);
  }
}

/** A 1x1 convolution and batch norm, where input and output differ. */
class Shortcut extends Sequential {
  readonly #averaged: boolean;

  constructor(
    channels: readonly [number, number],
    { stride, shortcut, norm }: Pick<BlockOptions, "stride" | "shortcut" | "norm">,
  ) {
    const averaged = shortcut === "average" && stride === 2;
    super(convolution(channels, { kernel: 1, stride: averaged ? 1 : stride }), norm(channels[1]));
    this.#averaged = averaged;
  }

  protected override compute<T extends Tensor>(x: T): T {
    if (!this.#averaged) return super.compute(x);
    return super.compute(x.avgPool2d({ kernelSize: 2, stride: 2, ceilMode: true, countIncludePad: false }));
  }
}

/** Elsewhere the shortcut is the identity, null. */
function shortcutOf(
  channels: readonly [number, number],
  options: Pick<BlockOptions, "stride" | "shortcut" | "norm">,
): Shortcut | null {
  return options.stride === 1 && channels[0] === channels[1] ? null : new Shortcut(channels, options);
}

/** Convolution whose padding keeps the size, up to the stride. */
export function convolution(channels: readonly [number, number], options: Conv2dLayerOptions): Conv2d {
  const padding = ((options.kernel - 1) / 2) * (options.dilation ?? 1);
  return new Conv2d(channels, { padding, init: kaimingNormal, ...options });
}
