import { caffe } from "./caffe.js";
import type { Family } from "./family.js";
import { hellochick } from "./hellochick.js";
import { jiye } from "./jiye.js";
import { keras } from "./keras.js";
import { paddleseg } from "./paddleseg.js";
import { resNetBackbone } from "./resNetBackbone.js";
import { semseg } from "./semseg.js";
import { timm } from "./timm.js";
import { denseNet, mobileNetV2, squeezeNet } from "./torchvisionBackbones.js";

/** Every family that `pspnet import` knows; where a checkpoint fits two, it is the first's. */
export const families: readonly Family[] = [
  semseg,
  caffe,
  keras,
  hellochick,
  jiye,
  paddleseg,
  resNetBackbone,
  timm,
  denseNet,
  mobileNetV2,
  squeezeNet,
];
