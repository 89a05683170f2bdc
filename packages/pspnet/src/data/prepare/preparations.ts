import { ade20k } from "./ade20k.js";
import { brats2017 } from "./brats2017.js";
import { camvid } from "./camvid.js";
import { cityscapes } from "./cityscapes.js";
import { coco } from "./coco.js";
import { cocoPanoptic } from "./cocoPanoptic.js";
import { cocoStuff } from "./cocoStuff.js";
import { cvat } from "./cvat.js";
import { folder } from "./folder.js";
import { labelme } from "./labelme.js";
import { pascalContext } from "./pascalContext.js";
import type { Preparation } from "./preparation.js";
import { ultralytics } from "./ultralytics.js";
import { voc2012 } from "./voc2012.js";

/** Every dataset that `data prepare` knows. A new one is a file beside these and an entry. */
export const PREPARATIONS: readonly Preparation[] = [
  ade20k,
  voc2012,
  cityscapes,
  camvid,
  pascalContext,
  cocoStuff,
  cocoPanoptic,
  brats2017,
  ultralytics,
  coco,
  cvat,
  labelme,
  folder,
];
