import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, placeInRow, type Rule } from "./renaming.js";
import { residualFields } from "./shapes.js";

/** Blocks and branches are counted from 1; the first branch is the features themselves. */
const RULES: readonly Rule[] = [
  [/^backbone\.0\.conv([123])\.(conv|bn)\./, (_, i, layer) => `layer0.${placeInRow(3 * Number(i) - 3, layer)}.`],
  [
    /^backbone\.([1-4])\.unit(\d+)\.body\.conv([123])\.(conv|bn)\./,
    (_, stage, unit, i, layer) => `layer${stage}.${Number(unit) - 1}.${layer}${i}.`,
  ],
  [
    /^backbone\.([1-4])\.unit(\d+)\.identity_conv\.(conv|bn)\./,
    (_, stage, unit, layer) => `layer${stage}.${Number(unit) - 1}.downsample.${placeInRow(0, layer)}.`,
  ],
  [
    /^pool\.branches\.branch([2-5])\.conv\.(conv|bn)\./,
    (_, branch, layer) => `ppm.features.${Number(branch) - 2}.${placeInRow(1, layer)}.`,
  ],
  [/^final_block\.conv1\.(conv|bn)\./, (_, layer) => `cls.${placeInRow(0, layer)}.`],
  [/^final_block\.conv2\./, "cls.4."],
  [/^aux_block\.conv1\.(conv|bn)\./, (_, layer) => `aux.${placeInRow(0, layer)}.`],
  [/^aux_block\.conv2\./, "aux.4."],
];

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.firstDilation", why: "pytorchcv dilates a stage's first convolution half" },
  { key: "backbone.strideIn", why: "its resnetd50b and resnetd101b stride in the 3x3" },
  { key: "upsampling.alignCorners", why: "pytorchcv enlarges from corner to corner, at every size" },
  { key: "input.mean", why: "its backbones were trained so on ImageNet" },
];

export const pytorchcv: Family = {
  name: "pytorchcv",
  title: "osmr/pytorchcv",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told({ backbone: { firstDilation: "halved" }, upsampling: { sizes: "any" } }, parts),
      classes,
      assumed: ASSUMED,
      crop: 480,
    };
  },
};
