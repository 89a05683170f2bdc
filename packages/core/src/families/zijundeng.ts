import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, type Rule, residualRule } from "./renaming.js";
import { residualFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  [/^(layer0\.[01]\.)/, "$1"],
  residualRule(""),
  [/^(ppm\.features\.\d\.[12]\.)/, "$1"],
  [/^final\.([014])\./, "cls.$1."],
  [/^aux_logits\./, { drop: "is an auxiliary classifier of one 1x1 convolution, which predictions leave out" }],
];

const CORNERS = "as PyTorch enlarges since 0.4; before, corners were aligned";

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.firstDilation", why: "zijundeng dilates all blocks of a stage alike" },
  { key: "pyramid.alignCorners", why: CORNERS },
  { key: "upsampling.alignCorners", why: CORNERS },
];

export const zijundeng: Family = {
  name: "zijundeng",
  title: "zijundeng/pytorch-semantic-segmentation",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told({ pyramid: { alignCorners: false }, upsampling: { alignCorners: false } }, parts),
      classes,
      assumed: ASSUMED,
      crop: 473,
    };
  },
};
