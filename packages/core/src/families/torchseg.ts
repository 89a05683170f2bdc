import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, placeInRow, type Rule, residualRule } from "./renaming.js";
import { residualFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  [/^backbone\.conv1\.([01346])\./, "layer0.$1."],
  [/^backbone\.bn1\./, "layer0.7."],
  residualRule("backbone\\."),
  [/^psp_layer\.ppm\.(\d)\.psp\/cbr\.(conv|bn)\./, (_, i, layer) => `ppm.features.${i}.${placeInRow(1, layer)}.`],
  [/^psp_layer\.conv6\.0\.(conv|bn)\./, (_, layer) => `cls.${placeInRow(0, layer)}.`],
  [/^psp_layer\.conv6\.2\./, "cls.4."],
  [/^aux_layer\.0\.(conv|bn)\./, (_, layer) => `aux.${placeInRow(0, layer)}.`],
  [/^aux_layer\.2\./, "aux.4."],
];

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.firstDilation", why: "TorchSeg dilates a convolution that has lost its stride half" },
  { key: "upsampling.sizes", why: "TorchSeg enlarges eightfold, from corner to corner" },
];

/** Its output is the logarithm of the probabilities, taken of enlarged logits; here it is the logits. */
export const torchseg: Family = {
  name: "torchseg",
  title: "ycszen/TorchSeg",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told({ backbone: { firstDilation: "halved" }, upsampling: { sizes: "8n" } }, parts),
      classes,
      assumed: ASSUMED,
      crop: 480,
    };
  },
};
