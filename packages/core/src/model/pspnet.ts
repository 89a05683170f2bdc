/**
 * Pyramid Scene Parsing Network: Zhao, Shi, Qi, Wang, Jia, CVPR 2017, arXiv 1612.01105.
 *
 * It follows the authors' PyTorch release (`model/pspnet.py`), whose parameter names it keeps, and can be told to be any of
 * the other published forms: {@link PSPNetConfig}. Departures: the logits stay at the features' resolution, because loss and
 * predictor enlarge them better themselves ({@link upsampleLogits} does it plainly), and the loss is not part of the network.
 */
import { Module, nameParameters } from "../nn/module.js";
import type { Tensor } from "../tensor/tensor.js";
import { AuxiliaryHead } from "./auxiliaryHead.js";
import { type PSPNetConfig, pspnetConfig, stageChannels } from "./config.js";
import { PyramidHead } from "./pyramidHead.js";
import { PyramidPooling } from "./pyramidPooling.js";
import { type ResNetStages, resNetStages } from "./resnet.js";

export interface Logits<T extends Tensor> {
  /** `[n, classes, h/8, w/8]` */
  readonly out: T;
  /** The auxiliary head's, of the same shape; null in evaluation, and for a network without one. */
  readonly aux: T | null;
}

export class PSPNet extends Module implements ResNetStages {
  readonly layer0: ResNetStages["layer0"];
  readonly layer1: ResNetStages["layer1"];
  readonly layer2: ResNetStages["layer2"];
  readonly layer3: ResNetStages["layer3"];
  readonly layer4: ResNetStages["layer4"];
  readonly ppm: PyramidPooling | null;
  readonly cls: PyramidHead;
  readonly aux: AuxiliaryHead | null;

  constructor(readonly config: PSPNetConfig) {
    super();
    const { layer0, layer1, layer2, layer3, layer4 } = resNetStages(config);
    this.layer0 = layer0;
    this.layer1 = layer1;
    this.layer2 = layer2;
    this.layer3 = layer3;
    this.layer4 = layer4;
    this.ppm = config.ppm ? new PyramidPooling(config) : null;
    this.cls = new PyramidHead(this.ppm?.channels ?? stageChannels(config)[3], config);
    this.aux = config.aux ? new AuxiliaryHead(config) : null;
    nameParameters(this);
  }

  /** `x` is a batch of normalised images, `[n, 3, h, w]`. Shapes below are those of ResNet-50 at output stride 8. */
  forward<T extends Tensor>(x: T): Logits<T> {
    return x.scope(() => {
      const stem = this.layer0.forward(x); // [n, 128, h/4, w/4]
      const x2 = this.layer2.forward(this.layer1.forward(stem)); // [n, 512, h/8, w/8]
      const x3 = this.layer3.forward(x2); // [n, 1024, h/8, w/8], dilation 2
      const x4 = this.layer4.forward(x3); // [n, 2048, h/8, w/8], dilation 4
      const out = this.ppm ? this.cls.forwardFactorised(x4, this.ppm) : this.cls.forward(x4); // [n, classes, h/8, w/8]
      const aux = this.training ? (this.aux?.forward(x3) ?? null) : null;
      return { out, aux };
    });
  }
}

type Variant = Omit<Partial<PSPNetConfig>, "layers" | "classes">;

export const pspnet50 = (classes: number, fields: Variant = {}) =>
  new PSPNet(pspnetConfig({ ...fields, classes, layers: 50 }));
export const pspnet101 = (classes: number, fields: Variant = {}) =>
  new PSPNet(pspnetConfig({ ...fields, classes, layers: 101 }));
export const pspnet152 = (classes: number, fields: Variant = {}) =>
  new PSPNet(pspnetConfig({ ...fields, classes, layers: 152 }));
/** The baseline of the paper's tables 1 and 4: the dilated FCN with auxiliary loss, without the pyramid. */
export const dilatedFcn50 = (classes: number, fields: Variant = {}) => pspnet50(classes, { ...fields, ppm: false });

/**
 * The smallest size, from `size` = `[h, w]` up, at which the enlarged logits lie where the image does. With aligned corners the
 * last feature must stand on the last pixel, so both sides are `outputStride * n + 1`, as the official release asserts; pad
 * an image of another size on its right and bottom. Without, any size will do.
 */
export function alignedSize(
  [h, w]: readonly [number, number],
  { alignCorners, outputStride }: Pick<PSPNetConfig, "alignCorners" | "outputStride">,
): [number, number] {
  if (!alignCorners) return [h, w];
  const align = (side: number) => Math.ceil((side - 1) / outputStride) * outputStride + 1;
  return [align(h), align(w)];
}

/** Logits at the image's resolution, `[n, classes, h, w]`, `size` = `[h, w]`. */
export function upsampleLogits<T extends Tensor>(
  logits: T,
  size: readonly [number, number],
  { alignCorners }: Pick<PSPNetConfig, "alignCorners">,
): T {
  return logits.resize(size, { alignCorners });
}
