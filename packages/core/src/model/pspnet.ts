/**
 * Pyramid Scene Parsing Network: Zhao, Shi, Qi, Wang, Jia, CVPR 2017, arXiv 1612.01105.
 *
 * It follows the authors' PyTorch release (`model/pspnet.py`), whose parameter names it keeps, and can be told to be any of
 * the other published forms: {@link PSPNetConfig}. Departures: the logits stay at the features' resolution, because loss and
 * predictor enlarge them better themselves ({@link upsampleLogits} does it plainly), and the loss is not part of the network.
 */
import type { Backbone } from "../backbone/backbone.js";
import type { Depth, resNet } from "../backbone/resnet.js";
import { create, type GivenOf } from "../config/kind.js";
import type { AuxiliaryHead, Head } from "../head/head.js";
import { inputChannels } from "../image/normalise.js";
import { Module, nameParameters } from "../nn/module.js";
import type { Pyramid } from "../pyramid/pyramid.js";
import type { Tensor } from "../tensor/tensor.js";
import { type PSPNetConfig, type PSPNetFields, pspnetConfig } from "./config.js";
import type { Logits } from "./logits.js";
import { PARTS } from "./parts.js";

export class PSPNet extends Module {
  readonly backbone: Backbone;
  readonly ppm: Pyramid | null;
  readonly cls: Head;
  readonly aux: AuxiliaryHead | null;

  constructor(readonly config: PSPNetConfig) {
    super();
    const { backbone, pyramid, head, auxiliary, input, classes } = config;
    const norm = create(PARTS.norm, config.norm, null);
    this.backbone = create(PARTS.backbone, backbone, { input: inputChannels(input), norm });
    const inputs = this.backbone.channels;
    this.ppm = create(PARTS.pyramid, pyramid, { input: inputs.last, norm });
    this.cls = create(PARTS.head, head, { input: this.ppm?.channels ?? inputs.last, classes, norm });
    this.aux = create(PARTS.auxiliary, auxiliary, { inputs, classes, norm });
    nameParameters(this);
  }

  /** As the authors have them, the backbone's layers stand in the state without a prefix. */
  override *children(): Generator<[string, Module]> {
    for (const [name, child] of super.children()) yield [child === this.backbone ? "" : name, child];
  }

  /** `x` is a batch of normalised images, `[n, c, h, w]`. Shapes below are those of PSPNet-50 at output stride 8. */
  forward<T extends Tensor>(x: T): Logits<T> {
    return x.scope(() => {
      const features = this.backbone.features(x); // middle [n, 1024, h/8, w/8] and last [n, 2048, h/8, w/8]
      const out = this.cls.predict(features.last, this.ppm); // [n, classes, h/8, w/8]
      const aux = this.training ? (this.aux?.predict(features) ?? null) : null;
      return { out, aux };
    });
  }
}

/** What is said of a network on a ResNet of a depth that its name has. */
interface VariantFields extends Omit<PSPNetFields, "layers" | "classes" | "backbone"> {
  readonly backbone?: GivenOf<typeof resNet>;
}

const variant =
  (layers: Depth) =>
  (classes: number, fields: VariantFields = {}) =>
    new PSPNet(pspnetConfig({ ...fields, classes, backbone: { ...fields.backbone, layers } }));

export const pspnet50 = variant(50);
export const pspnet101 = variant(101);
export const pspnet152 = variant(152);
/** The baseline of the paper's tables 1 and 4: the dilated FCN with auxiliary loss, without the pyramid. */
export const dilatedFcn50: typeof pspnet50 = (classes, fields) =>
  pspnet50(classes, { ...fields, pyramid: { kind: "none" } });
