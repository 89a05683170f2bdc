import type { SGD } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { setLearningRate } from "./optimiser.js";

/** How far a run has come, and how far it may go. */
export interface Extent {
  /** Optimiser steps done. */
  readonly step: number;
  /** Optimiser steps at most. */
  readonly total: number;
  /** Seconds used. */
  readonly elapsed: number;
  /** Seconds at most; null: as many as the steps take. */
  readonly budget: number | null;
}

/** The share of a run that is done, 0 to 1: of its steps or, when that is more, of its budget. */
export function progress({ step, total, elapsed, budget }: Extent): number {
  const share = step / total;
  return budget === null ? share : Math.max(share, Math.min(elapsed / budget, 1));
}

/**
 * The poly policy, per iteration: `base * (1 - progress) ^ power` (paper, section 5.1), where `progress` is the share of the
 * run that was done before this step, 0 to 1, so the first step uses `base` itself.
 */
export function poly(base: number, options: { readonly progress: number; readonly power: number }): number {
  return base * (1 - options.progress) ** options.power;
}

/** The official schedule: poly over the run for the backbone, `headLrFactor` times as much for the head. Returns the former. */
export function polySchedule(
  optimiser: SGD,
  extent: Extent,
  config: Pick<TrainConfig, "lr" | "power" | "headLrFactor">,
): number {
  const lr = poly(config.lr, { progress: progress(extent), power: config.power });
  setLearningRate(optimiser, lr, config);
  return lr;
}
