import { bubbliiiing } from "./bubbliiiing.js";
import { caffe } from "./caffe.js";
import { csail } from "./csail.js";
import { encoding } from "./encoding.js";
import type { Family } from "./family.js";
import { hellochick } from "./hellochick.js";
import { holyseven } from "./holyseven.js";
import { jiye } from "./jiye.js";
import { kazuto } from "./kazuto.js";
import { keras } from "./keras.js";
import { lextal } from "./lextal.js";
import { meetps } from "./meetps.js";
import { mmseg } from "./mmseg.js";
import { ogawa } from "./ogawa.js";
import { paddleseg } from "./paddleseg.js";
import { pytorchcv } from "./pytorchcv.js";
import { resNetBackbone } from "./resNetBackbone.js";
import { semseg } from "./semseg.js";
import { smp } from "./smp.js";
import { structure } from "./structure.js";
import { timm } from "./timm.js";
import { torchseg } from "./torchseg.js";
import { denseNet, mobileNetV2, squeezeNet } from "./torchvisionBackbones.js";
import { yassouali } from "./yassouali.js";
import { zijundeng } from "./zijundeng.js";

/** Every family that `pspnet import` knows; where a checkpoint fits two, it is the first's. */
export const families: readonly Family[] = [
  semseg,
  mmseg,
  csail,
  smp,
  lextal,
  bubbliiiing,
  yassouali,
  kazuto,
  encoding,
  meetps,
  ogawa,
  pytorchcv,
  torchseg,
  zijundeng,
  caffe,
  keras,
  hellochick,
  jiye,
  holyseven,
  paddleseg,
  resNetBackbone,
  timm,
  denseNet,
  mobileNetV2,
  squeezeNet,
  structure,
];
