import type { Family, ForeignCheckpoint } from "./family.js";
import { fateByRules, type Rule, stemRule } from "./renaming.js";
import { resNetFields } from "./shapes.js";

const RULES: readonly Rule[] = [stemRule(""), [/^(?=layer[0-4]\.)/, ""]];

/** ResNets that were trained to classify; OpenMMLab's stand under `backbone.`, with a deep stem `stem.0` to `stem.7`. */
export const resNetBackbone: Family = {
  name: "resnet",
  title: "a ResNet that classifies (torchvision, timm, OpenMMLab, or the official release's initmodel)",
  fate(name) {
    if (/^(head\.)?fc\./.test(name)) return { drop: "tells ImageNet's classes apart" };
    const plain = name.replace(/^backbone\./, "").replace(/^stem\./, "layer0.");
    return fateByRules(plain, RULES);
  },
  network(state, { metadata }) {
    const backbone = resNetFields(state);
    return (
      backbone && { fields: { backbone: { ...backbone, ...saidOf(metadata) } }, classes: null, assumed: [], crop: 473 }
    );
  },
};

/** What a backbone that was imported before says of itself: under our names, averaging shortcuts look like others. */
function saidOf({ backbone }: ForeignCheckpoint["metadata"]): { readonly shortcut?: "average" } {
  return typeof backbone === "string" && backbone.includes('"shortcut":"average"') ? { shortcut: "average" } : {};
}
