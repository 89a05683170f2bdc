import { DATASETS, type Preset } from "./preset.js";

/** The deepest network of the paper's depth study (table 3); the other depths are those of the official releases. */
export const paper: readonly Preset[] = [
  {
    ...DATASETS.ade20k,
    name: "paper-pspnet269-ade20k",
    follows: "arXiv 1612.01105, table 3",
    parts: { backbone: { layers: 269 } },
  },
];
