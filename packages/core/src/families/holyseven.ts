import { holysevenCrop, holysevenParts } from "../presets/tensorflow.js";
import { fromHwio } from "./changes.js";
import { type Family, type Fate, told } from "./family.js";
import { fateByRules, placeInRow, type Rule } from "./renaming.js";
import { BINS, residualFields } from "./shapes.js";
import { VARIABLES } from "./tensorflowVariables.js";

const LAYER = "\\.(conv|norm)\\.";

/** Blocks and units are counted from 1; the auxiliary and the main head stand as one unit more of the last two blocks. */
const RULES: readonly Rule[] = [
  [new RegExp(`^conv1(?:_([123]))?${LAYER}`), (_, i = "1", layer) => `layer0.${placeInRow(3 * Number(i) - 3, layer)}.`],
  [
    new RegExp(`^block([1-4])/unit_(\\d+)/bottleneck_v1/conv([123])${LAYER}`),
    (_, block, unit, i, layer) => `layer${block}.${Number(unit) - 1}.${layer === "conv" ? "conv" : "bn"}${i}.`,
  ],
  [
    new RegExp(`^block([1-4])/unit_(\\d+)/bottleneck_v1/shortcut${LAYER}`),
    (_, block, unit, layer) => `layer${block}.${Number(unit) - 1}.downsample.${placeInRow(0, layer)}.`,
  ],
  [
    new RegExp(`^psp/pool([${BINS.join("")}])${LAYER}`),
    (_, bins, layer) => `ppm.features.${BINS.indexOf(Number(bins))}.${placeInRow(1, layer)}.`,
  ],
  [new RegExp(`^block3/unit_\\d+${LAYER}`), (_, layer) => `aux.${placeInRow(0, layer)}.`],
  [new RegExp(`^block4/unit_\\d+${LAYER}`), (_, layer) => `cls.${placeInRow(0, layer)}.`],
  [/^aux_logits\.conv\./, "aux.4."],
  [/^logits\.conv\./, "cls.4."],
];

/** `resnet_v1_50/conv1/BatchNorm/gamma` as `conv1.norm.weight`. */
function plainName(name: string): string {
  const leaf = (whole: string, norm: string | undefined, parameter: string) =>
    Object.hasOwn(VARIABLES, parameter) ? `.${norm ? "norm" : "conv"}.${VARIABLES[parameter]}` : whole;
  return name.replace(/^resnet_v1_\d+\//, "").replace(/(\/BatchNorm)?\/(\w+)$/, leaf);
}

/** It crops Cityscapes to 864 and the others to 480, where SAME pads max pooling on the right and bottom. */
export const holyseven: Family = {
  name: "holyseven",
  title: "holyseven/PSPNet-TF-Reproduce",
  fate(name, { shape }): Fate | null {
    const fate = fateByRules(plainName(name), RULES);
    return fate && "name" in fate && shape.length === 4 ? { ...fate, change: fromHwio } : fate;
  },
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told(parts, holysevenParts(classes, parts.backbone)),
      classes,
      assumed: [
        { key: "backbone.stemPadding", why: "holyseven's SAME pads max pooling on the right and bottom alone" },
        { key: "pyramid.concatOrder", why: "holyseven concatenates x, 6, 3, 2, 1" },
        { key: "pyramid.alignCorners", why: "TensorFlow 1's resize_bilinear" },
        { key: "upsampling.alignCorners", why: "TensorFlow 1's resize_bilinear" },
        { key: "input.mean", why: "holyseven takes the mean colour of the data set off, Cityscapes' of 19 classes" },
      ],
      crop: holysevenCrop(classes),
    };
  },
};
