import { bubbliiiing } from "./bubbliiiing.js";
import { caffe } from "./caffe.js";
import { csail } from "./csail.js";
import { factors } from "./factors.js";
import { kazuto } from "./kazuto.js";
import { keras } from "./keras.js";
import { lextal } from "./lextal.js";
import { mmseg } from "./mmseg.js";
import { paddleseg } from "./paddleseg.js";
import { paper } from "./paper.js";
import type { Preset } from "./preset.js";
import { semseg } from "./semseg.js";
import { smp } from "./smp.js";
import { tensorflow } from "./tensorflow.js";
import { torchvision } from "./torchvision.js";
import { yassouali } from "./yassouali.js";

/** Every published network that has a name here. A new source of networks is a file beside these and an entry. */
export const PRESETS: readonly Preset[] = [
  ...semseg,
  ...paper,
  ...caffe,
  ...mmseg,
  ...paddleseg,
  ...csail,
  ...smp,
  ...torchvision,
  ...factors,
  ...keras,
  ...lextal,
  ...tensorflow,
  ...bubbliiiing,
  ...kazuto,
  ...yassouali,
];

export function presetNamed(name: unknown): Preset | undefined {
  return PRESETS.find((preset) => preset.name === name);
}
