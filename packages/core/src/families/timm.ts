import type { Family } from "./family.js";
import { hasAverages, withoutAverage } from "./renaming.js";
import { resNetFields } from "./shapes.js";

/** ResNets with timm's deep stem, `conv1.0` to `conv1.6` and `bn1`. */
export const timm: Family = {
  name: "timm",
  title: "a ResNet that classifies, with timm's deep stem (resnet50d and its like)",
  fate(name, tensor) {
    if (/^(head\.)?fc\./.test(name)) return { drop: "tells ImageNet's classes apart" };
    const stem = /^conv1\.([01346])\.(.+)$/.exec(name);
    if (stem) return { name: `layer0.${stem[1]}.${stem[2]}` };
    if (name.startsWith("bn1.")) return { name: `layer0.7.${name.slice("bn1.".length)}` };
    return /^layer[1-4]\./.test(name) ? { name: withoutAverage(name, tensor) } : null;
  },
  network(state, checkpoint) {
    const backbone = resNetFields(state);
    if (!backbone) return null;
    const shortcut = hasAverages(checkpoint.state.keys()) ? "average" : "projection";
    return { fields: { backbone: { ...backbone, shortcut } }, classes: null, assumed: [], crop: 473 };
  },
};
