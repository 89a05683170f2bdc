import { PADDLESEG } from "../presets/paddleseg.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, placeInRow, type Rule } from "./renaming.js";
import { residualFields } from "./shapes.js";

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.outputStride", why: "PaddleSeg's configurations have output_stride: 8" },
  { key: "pyramid.concatOrder", why: "PaddleSeg concatenates x, 6, 3, 2, 1" },
  { key: "pyramid.alignCorners", why: "PaddleSeg's configurations have align_corners: False" },
  { key: "upsampling.alignCorners", why: "PaddleSeg's configurations have align_corners: False" },
  { key: "input.mean", why: "PaddleSeg's Normalize makes -1 to 1 of 0 to 255" },
];

/** Stages and blocks are counted from 0. */
const RULES: readonly Rule[] = [
  [/^backbone\.conv1_([123])\.(conv|norm)\./, (_, i, layer) => `layer0.${placeInRow(3 * Number(i) - 3, layer)}.`],
  [
    /^backbone\.bb_([0-3])_(\d+)\.conv([0-2])\.(conv|norm)\./,
    (_, stage, block, i, layer) =>
      `layer${Number(stage) + 1}.${block}.${layer === "conv" ? "conv" : "bn"}${Number(i) + 1}.`,
  ],
  [
    /^backbone\.bb_([0-3])_(\d+)\.short\.(conv|norm)\./,
    (_, stage, block, layer) => `layer${Number(stage) + 1}.${block}.downsample.${placeInRow(0, layer)}.`,
  ],
  [/^head\.psp_module\.stages\.(\d)\.1\.(conv|norm)\./, (_, i, layer) => `ppm.features.${i}.${placeInRow(1, layer)}.`],
  [/^head\.psp_module\.conv_bn_relu2\.(conv|norm)\./, (_, layer) => `cls.${placeInRow(0, layer)}.`],
  [/^head\.auxlayer\.conv_bn_relu\.(conv|norm)\./, (_, layer) => `aux.${placeInRow(0, layer)}.`],
  [/^head\.conv\.(?=weight$|bias$)/, "cls.4."],
  [/^head\.auxlayer\.conv\.(?=weight$|bias$)/, "aux.4."],
];

/** Paddle's layers and statistics by plainer names. */
function plainName(name: string): string {
  return name
    .replace("._conv.", ".conv.")
    .replace("._batch_norm.", ".norm.")
    .replace(/\._mean$/, ".running_mean")
    .replace(/\._variance$/, ".running_var");
}

export const paddleseg: Family = {
  name: "paddleseg",
  title: "PaddlePaddle/PaddleSeg's PSPNet on ResNet_vd",
  fate: (name) => fateByRules(plainName(name), RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told(parts, PADDLESEG),
      classes,
      assumed: ASSUMED,
      crop: 512,
    };
  },
};
