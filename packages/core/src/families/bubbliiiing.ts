import { BUBBLIIIING } from "../presets/bubbliiiing.js";
import { BRANCHES } from "./branches.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, plainMobileNetRule, type Rule, residualRule, stemRule } from "./renaming.js";
import { headFields, mobileNetFields, resNetFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  stemRule("backbone\\."),
  residualRule("backbone\\."),
  plainMobileNetRule("backbone\\."),
  [/^backbone\.features\.0\.([01])\./, "features.0.$1."],
  ...BRANCHES,
];

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.outputStride", why: "its training and prediction have downsample_factor 16; 8 has the same shapes" },
  { key: "backbone.firstDilation", why: "bubbliiiing dilates a convolution that has lost its stride half" },
  { key: "input.mean", why: "bubbliiiing divides images by 255 and no more" },
];

export const bubbliiiing: Family = {
  name: "bubbliiiing",
  title: "bubbliiiing/pspnet-pytorch",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const backbone = resNetFields(state) ?? mobileNetFields(state);
    const heads = headFields(state);
    if (!backbone || !heads) return null;
    const { classes, ...others } = heads;
    return {
      fields: told({ ...others, backbone: { ...backbone, outputStride: 16, firstDilation: "halved" } }, BUBBLIIIING),
      classes,
      assumed: ASSUMED,
      crop: 473,
    };
  },
};
