import type { Assumption, Family } from "./family.js";
import { fateByRules, type Rule, residualRule } from "./renaming.js";
import { headFields, resNetFields } from "./shapes.js";

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
    const backbone = resNetFields(state);
    const heads = headFields(state);
    if (!backbone || !heads) return null;
    const { classes, pyramid, head, auxiliary } = heads;
    return {
      fields: {
        backbone,
        pyramid: { ...pyramid, alignCorners: false },
        head,
        auxiliary,
        upsampling: { alignCorners: false },
      },
      classes,
      assumed: ASSUMED,
      crop: 473,
    };
  },
};
