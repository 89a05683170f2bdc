import { KAZUTO } from "../presets/kazuto.js";
import { paperCrop } from "../presets/preset.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, placeInRow, type Rule } from "./renaming.js";
import { residualFields } from "./shapes.js";

const PARTS: Readonly<Record<string, readonly [convolution: string, norm: string]>> = {
  reduce: ["conv1", "bn1"],
  conv3x3: ["conv2", "bn2"],
  increase: ["conv3", "bn3"],
  proj: ["downsample.0", "downsample.1"],
};

/** Stages and blocks are counted from 1, the stem being the first; levels from the finest. */
const RULES: readonly Rule[] = [
  [/^fcn\.layer1\.conv([123])\.(conv|bn)\./, (_, i, layer) => `layer0.${placeInRow(3 * Number(i) - 3, layer)}.`],
  [
    /^fcn\.layer([2-5])\.block(\d+)\.(reduce|conv3x3|increase|proj)\.(conv|bn)\./,
    (_, stage, block, part, layer) =>
      `layer${Number(stage) - 1}.${Number(block) - 1}.${PARTS[part][layer === "bn" ? 1 : 0]}.`,
  ],
  [
    /^ppm\.stages\.s([0-3])\.conv\.(conv|bn)\./,
    (_, i, layer) => `ppm.features.${3 - Number(i)}.${placeInRow(1, layer)}.`,
  ],
  [/^final\.conv5_4\.(conv|bn)\./, (_, layer) => `cls.${placeInRow(0, layer)}.`],
  [/^final\.conv6\./, "cls.4."],
  [/^aux\.conv4_aux\.(conv|bn)\./, (_, layer) => `aux.${placeInRow(0, layer)}.`],
  [/^aux\.conv6_1\./, "aux.4."],
];

const CORNERS = "as PyTorch enlarges since 0.4; before, and in Caffe, whose weights these are, corners were aligned";

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.strideIn", why: "its code strides in the 3x3; Caffe's ADE20K network of 50 layers in the 1x1" },
  { key: "pyramid.concatOrder", why: "kazuto1011 concatenates x, 6, 3, 2, 1" },
  { key: "pyramid.alignCorners", why: CORNERS },
  { key: "upsampling.alignCorners", why: CORNERS },
  { key: "input.channelOrder", why: "its weights are Caffe's, of blue, green, red; its demo feeds red, green, blue" },
];

export const kazuto: Family = {
  name: "kazuto",
  title: "kazuto1011/pspnet-pytorch, the Caffe release's weights",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told(parts, KAZUTO),
      classes,
      assumed: ASSUMED,
      crop: paperCrop(classes),
    };
  },
};
