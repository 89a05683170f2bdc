import { IMAGENET } from "../image/normalise.js";
import { YASSOUALI, YASSOUALI_DENSENET, YASSOUALI_RESNET } from "../presets/yassouali.js";
import { BRANCHES } from "./branches.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, type Rule, residualRule } from "./renaming.js";
import { denseNetFields, headFields, resNetFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  [/^initial\.0\.(?=weight$)/, "layer0.0."],
  [/^initial\.0\.([01346])\./, "layer0.$1."],
  residualRule(""),
  [/^block0\.0\./, "features.conv0."],
  [/^block0\.1\./, "features.norm0."],
  [/^block([1-4])\.denselayer/, "features.denseblock$1.denselayer"],
  [/^transition1\.(norm|conv)\./, "features.transition1.$1."],
  [/^transition([23])\.0\./, "features.transition$1.norm."],
  [/^transition([23])\.2\./, "features.transition$1.conv."],
  ...BRANCHES,
];

/** Mean and deviation of the data sets that its loaders take off, by number of classes. */
const INPUTS: Readonly<Record<number, { readonly mean: Rgb; readonly std: Rgb }>> = {
  150: { mean: [0.48897059, 0.46548275, 0.4294], std: [0.22861765, 0.22948039, 0.24054667] },
  21: { mean: [0.45734706, 0.43338275, 0.40058118], std: [0.23965294, 0.23532275, 0.2398498] },
  19: { mean: [0.28689529, 0.32513294, 0.28389176], std: [0.17613647, 0.18099176, 0.17772235] },
};
type Rgb = readonly [number, number, number];

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.firstDilation", why: "yassouali dilates a stage's first convolution half" },
  { key: "upsampling.alignCorners", why: "yassouali enlarges levels from corner to corner, and logits not" },
  { key: "input.mean", why: "its loaders take off their own data set's mean" },
];

export const yassouali: Family = {
  name: "yassouali",
  title: "yassouali/pytorch-segmentation",
  fate(name, _, all) {
    // After the deep stem's last convolution the batch norm is the classifier's own.
    if (name.startsWith("initial.1."))
      return { name: name.replace("initial.1.", all.has("initial.0.weight") ? "layer0.1." : "layer0.7.") };
    return fateByRules(name, RULES);
  },
  network(state) {
    const residual = resNetFields(state);
    const dense = denseNetFields(state);
    const heads = headFields(state);
    if (!heads || !(residual || dense)) return null;
    const { classes, ...others } = heads;
    return {
      fields: told(
        {
          ...others,
          backbone: residual ? { ...residual, ...YASSOUALI_RESNET } : { ...dense!, ...YASSOUALI_DENSENET },
          input: INPUTS[classes] ?? IMAGENET,
        },
        YASSOUALI,
      ),
      classes,
      assumed: ASSUMED,
      crop: 380,
    };
  },
};
