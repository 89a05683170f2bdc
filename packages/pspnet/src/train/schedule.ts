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

/** Half a cosine, from `base` down to nothing (Loshchilov and Hutter, arXiv 1608.03983, without restarts). */
export function cosine(base: number, options: { readonly progress: number }): number {
  return (base / 2) * (1 + Math.cos(Math.PI * options.progress));
}

/** The share of the learning rate that the step after `step` has: it rises by equal parts to 1 in step `warmup`. */
export function warmupShare(step: number, warmup: number): number {
  return step < warmup ? (step + 1) / warmup : 1;
}

/**
 * Sets the rate of the backbone, and `headLrFactor` times as much for the head: the official release's poly over the run, unless the
 * configuration says otherwise. Returns the former.
 */
export function setScheduledRate(
  optimiser: SGD,
  extent: Extent,
  config: Pick<TrainConfig, "lr" | "schedule" | "power" | "warmup" | "headLrFactor">,
): number {
  const options = { progress: progress(extent), power: config.power };
  const scheduled = config.schedule === "cosine" ? cosine(config.lr, options) : poly(config.lr, options);
  const lr = scheduled * warmupShare(extent.step, config.warmup);
  setLearningRate(optimiser, lr, config);
  return lr;
}
