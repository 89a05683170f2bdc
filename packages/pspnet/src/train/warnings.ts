import type { TrainConfig } from "../config/schema.js";
import { lookAtLabels } from "../data/check.js";
import type { Dataset } from "../data/dataset.js";
import { counted } from "../report/counted.js";

/** Images at a time whose batch norm has statistics worth having. */
const SMALL_BATCH = 4;

/** What a run is made of that may spoil it. */
export interface WarningOptions {
  readonly config: TrainConfig;
  /** Images that batch norm sees of a batch, on all ranks that sum its statistics up. */
  readonly images: number;
  readonly training: Dataset;
  readonly validation: Dataset;
  /** Ends the look at the masks. */
  readonly signal?: AbortSignal;
}

/** What is worth knowing before the first step though it stops no run, a line each. */
export async function warningsOf({ config, images, signal, ...datasets }: WarningOptions): Promise<string[]> {
  const { accumulate, freezeBn } = config;
  const seen = images / accumulate;
  const mend = "too few for good statistics: set a larger batch";
  const warnings =
    freezeBn === true || seen >= SMALL_BATCH ? [] : [`batch norm sees ${counted(seen, "image")} at a time, ${mend}`];
  for (const name of ["training", "validation"] as const)
    for (const note of await lookAtLabels(datasets[name], { signal })) warnings.push(`${name} masks: ${note}`);
  return warnings;
}
