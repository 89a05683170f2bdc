import { DATASETS, type Preset } from "./preset.js";

/** The pyramid that pools by factors in place of to bins, under a head that has as many inputs as it gives. */
export const factors: readonly Preset[] = [
  {
    ...DATASETS.ade20k,
    name: "factors-pspnet50",
    follows: "the pyramid of pooling factors, on the authors' ResNet-50",
    parts: { pyramid: { kind: "factors" } },
  },
];
