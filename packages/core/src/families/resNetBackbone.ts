import type { Family, ForeignCheckpoint } from "./family.js";
import { resNetFields } from "./shapes.js";

/** ResNets that were trained to classify; OpenMMLab's stand under `backbone.`, with a deep stem `stem.0` to `stem.7`. */
export const resNetBackbone: Family = {
  name: "resnet",
  title: "a ResNet that classifies (torchvision, timm, OpenMMLab, or the official release's initmodel)",
  fate(name) {
    if (/^(head\.)?fc\./.test(name)) return { drop: "tells ImageNet's classes apart" };
    const plain = name.replace(/^backbone\./, "").replace(/^stem\./, "layer0.");
    if (!/^(layer[0-4]\.|(conv|bn)[123]\.)/.test(plain)) return null;
    return { name: plain.replace(/^(conv|bn)([123])\./, stemName) };
  },
  network(state, { metadata }) {
    const backbone = resNetFields(state);
    return (
      backbone && { fields: { backbone: { ...backbone, ...saidOf(metadata) } }, classes: null, assumed: [], crop: 473 }
    );
  },
};

/** The stem is convolution, batch norm, ReLU, and so on: conv2 is layer0.3, bn2 layer0.4. */
function stemName(_match: string, kind: string, position: string): string {
  return `layer0.${(Number(position) - 1) * 3 + (kind === "bn" ? 1 : 0)}.`;
}

/** What a backbone that was imported before says of itself: under our names, averaging shortcuts look like others. */
function saidOf({ backbone }: ForeignCheckpoint["metadata"]): { readonly shortcut?: "average" } {
  return typeof backbone === "string" && backbone.includes('"shortcut":"average"') ? { shortcut: "average" } : {};
}
