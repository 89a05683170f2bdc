/** torchvision's other networks that were trained to classify, whose names are ours. */
import type { Family } from "./family.js";
import { countOf } from "./shapes.js";

const CLASSIFIER = { drop: "tells ImageNet's classes apart" } as const;
const alone = { classes: null, assumed: [], crop: 473 } as const;

/** Layers of the last two blocks. */
const DENSE_DEPTHS = { "24,16": 121, "36,24": 161, "32,32": 169, "48,32": 201 } as const;

export const denseNet: Family = {
  name: "densenet",
  title: "a DenseNet that classifies (torchvision)",
  fate(name) {
    if (name.startsWith("classifier.")) return CLASSIFIER;
    if (name.startsWith("features.norm5.")) return { drop: "stands before the classifier" };
    if (!/^features\.(conv0|norm0|denseblock\d|transition\d)\./.test(name)) return null;
    return { name: name.replace(/\.(norm|conv)\.([12])\./, ".$1$2.") };
  },
  network(state) {
    const blocks = [3, 4].map((block) => countOf(state, `features.denseblock${block}.denselayer`, ".conv1.weight") - 1);
    const width = state.get("features.conv0.weight")?.shape[0];
    const growth = state.get("features.denseblock1.denselayer1.conv2.weight")?.shape[0];
    const layers = DENSE_DEPTHS[blocks.join() as keyof typeof DENSE_DEPTHS];
    if (width === undefined || growth === undefined || layers === undefined) return null;
    return { ...alone, fields: { backbone: { kind: "densenet", layers, width, growth } } };
  },
};

export const mobileNetV2: Family = {
  name: "mobilenetv2",
  title: "a MobileNetV2 that classifies (torchvision)",
  fate(name) {
    if (name.startsWith("classifier.")) return CLASSIFIER;
    if (name.startsWith("features.18.")) return { drop: "stands before the classifier" };
    return /^features\.\d+\.(\d|conv)\./.test(name) ? { name } : null;
  },
  network(state) {
    const last = state.get("features.17.conv.2.weight")?.shape[0];
    return last === undefined
      ? null
      : { ...alone, fields: { backbone: { kind: "mobilenetv2", multiplier: last / 320 } } };
  },
};

export const squeezeNet: Family = {
  name: "squeezenet",
  title: "a SqueezeNet 1.1 that classifies (torchvision)",
  fate(name) {
    if (name.startsWith("classifier.")) return CLASSIFIER;
    return /^features\.\d+\.(squeeze|expand[13]x[13]|weight|bias)\b/.test(name) ? { name } : null;
  },
  network(state) {
    const width = state.get("features.0.weight")?.shape[0];
    return width === undefined ? null : { ...alone, fields: { backbone: { kind: "squeezenet", width } } };
  },
};
