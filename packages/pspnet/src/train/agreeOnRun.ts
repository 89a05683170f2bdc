import { stat } from "node:fs/promises";
import type { TrainConfig } from "../config/schema.js";
import type { Dataset } from "../data/dataset.js";
import { agreeOn } from "../ranks/agreeOn.js";
import type { World } from "../ranks/world.js";
import { FREE_KEYS } from "./placement.js";

export interface AgreedRun {
  readonly config: TrainConfig;
  readonly training: Dataset;
  readonly validation: Dataset;
}

/**
 * Has all ranks see that they train one network on one dataset, wherever each has it: files of the same names and sizes, in one order.
 *
 * @throws PspnetError "config" on every rank where one differs, which is named.
 */
export async function agreeOnRun(world: World, { config, training, validation }: AgreedRun): Promise<void> {
  if (world.size === 1) return;
  const { data, init, ...rest } = config;
  const kept = Object.entries(rest).filter(([key]) => !FREE_KEYS.has(key));
  const { root, ...split } = data;
  const configuration = { ...Object.fromEntries(kept), data: split, init: init !== null };
  const dataset = await Promise.all([training, validation].map(filesOf));
  await agreeOn(world, { configuration, dataset }, { command: "train" });
}

/** What tells one split from another without a look into its files. */
async function filesOf({ classes, source: { pairs, ids } }: Dataset) {
  const sizeOf = async (path: string) => (await stat(path)).size;
  const samples = pairs.map(async ({ id, image, mask }) => [id, await sizeOf(image), mask && (await sizeOf(mask))]);
  return { names: classes.names, ids: Array.from(ids), samples: await Promise.all(samples) };
}
