import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, hasAverages, type Rule, residualRule, withoutAverage } from "./renaming.js";
import { residualFields } from "./shapes.js";

/** Heads are `head.conv5` and `auxlayer.conv5` there, `head.psp`, `head.block` and `auxlayer.block` in Tramac's. */
const RULES: readonly Rule[] = [
  [/^pretrained\.conv1\.(?=weight$)/, "layer0.0."],
  [/^pretrained\.conv1\.([01346])\./, "layer0.$1."],
  residualRule("pretrained\\."),
  [/^pretrained\.fc\./, { drop: "tells ImageNet's classes apart" }],
  [
    /^head\.(?:conv5\.0|psp)\.conv([1-4])\.([01])\./,
    (_, level, layer) => `ppm.features.${Number(level) - 1}.${Number(layer) + 1}.`,
  ],
  [/^head\.conv5\.([125])\./, (_, layer) => `cls.${Number(layer) - 1}.`],
  [/^head\.block\.([014])\./, "cls.$1."],
  [/^auxlayer\.(?:conv5|block)\.([014])\./, "aux.$1."],
];

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.firstDilation", why: "PyTorch-Encoding dilates a stage's first convolution half" },
  { key: "upsampling.alignCorners", why: "PyTorch-Encoding enlarges from corner to corner, at every size" },
];

export const encoding: Family = {
  name: "encoding",
  title: "zhanghang1989/PyTorch-Encoding and Tramac/awesome-semantic-segmentation-pytorch",
  fate(name, tensor, all) {
    // After the deep stem's last convolution the batch norm stands on its own.
    if (name.startsWith("pretrained.bn1."))
      return { name: name.replace("pretrained.bn1.", all.has("pretrained.conv1.weight") ? "layer0.1." : "layer0.7.") };
    return fateByRules(withoutAverage(name, tensor), RULES);
  },
  network(state, checkpoint) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    const shortcut = hasAverages(checkpoint.state.keys()) ? "average" : "projection";
    return {
      fields: told({ backbone: { firstDilation: "halved", shortcut }, upsampling: { sizes: "any" } }, parts),
      classes,
      assumed: ASSUMED,
      crop: 480,
    };
  },
};
