/** torchvision's other networks that were trained to classify, whose names are ours. */
import type { GivenParts } from "../model/parts.js";
import type { Family, ForeignNetwork } from "./family.js";
import { denseNetFields, mobileNetFields, squeezeNetFields } from "./shapes.js";

const CLASSIFIER = { drop: "tells ImageNet's classes apart" } as const;

/** A backbone alone, if its tensors make one. */
function alone(backbone: GivenParts["backbone"] | null): ForeignNetwork | null {
  return backbone ? { fields: { backbone }, classes: null, assumed: [], crop: 473 } : null;
}

export const denseNet: Family = {
  name: "densenet",
  title: "a DenseNet that classifies (torchvision)",
  fate(name) {
    if (name.startsWith("classifier.")) return CLASSIFIER;
    if (name.startsWith("features.norm5.")) return { drop: "stands before the classifier" };
    if (!/^features\.(conv0|norm0|denseblock\d|transition\d)\./.test(name)) return null;
    return { name: name.replace(/\.(norm|conv)\.([12])\./, ".$1$2.") };
  },
  network: (state) => alone(denseNetFields(state)),
};

export const mobileNetV2: Family = {
  name: "mobilenetv2",
  title: "a MobileNetV2 that classifies (torchvision)",
  fate(name) {
    if (name.startsWith("classifier.")) return CLASSIFIER;
    if (name.startsWith("features.18.")) return { drop: "stands before the classifier" };
    return /^features\.\d+\.(\d|conv)\./.test(name) ? { name } : null;
  },
  network: (state) => alone(mobileNetFields(state)),
};

export const squeezeNet: Family = {
  name: "squeezenet",
  title: "a SqueezeNet 1.1 that classifies (torchvision)",
  fate(name) {
    if (name.startsWith("classifier.")) return CLASSIFIER;
    return /^features\.\d+\.(squeeze|expand[13]x[13]|weight|bias)\b/.test(name) ? { name } : null;
  },
  network: (state) => alone(squeezeNetFields(state)),
};
