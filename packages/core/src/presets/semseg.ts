import { DATASETS, type Preset } from "./preset.js";

const DEPTHS = [50, 101, 152] as const;

/** The official PyTorch release, whose fields are the defaults. */
export const semseg: readonly Preset[] = Object.entries(DATASETS).flatMap(([dataset, sizes]) =>
  DEPTHS.map((layers) => ({
    ...sizes,
    name: `semseg-pspnet${layers}-${dataset}`,
    follows: "hszhao/semseg, the authors' PyTorch release",
    parts: { backbone: { layers } },
  })),
);
