import { partOf } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";

/** Whether what stands at a path of a network's state, a parameter or a layer, is not trained. */
export function isFrozen(path: string, { freeze }: Pick<TrainConfig, "freeze">): boolean {
  if (freeze === "none" || partOf(path) !== "backbone") return false;
  const [, stage] = /^layer(\d)/.exec(path) ?? [];
  return freeze === "backbone" || Number(stage) <= freeze;
}

/** Whether the batch norm at a path keeps its statistics in training. */
export function hasFrozenStatistics(path: string, config: Pick<TrainConfig, "freeze" | "freezeBn">): boolean {
  const { freezeBn } = config;
  return freezeBn === true || (freezeBn === "backbone" && partOf(path) === "backbone") || isFrozen(path, config);
}
