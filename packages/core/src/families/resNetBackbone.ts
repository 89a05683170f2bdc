import type { Family } from "./family.js";
import { resNetFields } from "./shapes.js";

/** ResNets that were trained to classify. */
export const resNetBackbone: Family = {
  name: "resnet",
  title: "a ResNet that classifies (torchvision, or the official release's initmodel with its deep stem)",
  fate(name) {
    if (name.startsWith("fc.")) return { drop: "tells ImageNet's classes apart" };
    if (!/^(layer[0-4]\.|(conv|bn)[123]\.)/.test(name)) return null;
    return { name: name.replace(/^(conv|bn)([123])\./, stemName) };
  },
  network(state) {
    const backbone = resNetFields(state);
    return backbone && { fields: { backbone }, classes: null, assumed: [], crop: 473 };
  },
};

/** The stem is convolution, batch norm, ReLU, and so on: conv2 is layer0.3, bn2 layer0.4. */
function stemName(_match: string, kind: string, position: string): string {
  return `layer0.${(Number(position) - 1) * 3 + (kind === "bn" ? 1 : 0)}.`;
}
