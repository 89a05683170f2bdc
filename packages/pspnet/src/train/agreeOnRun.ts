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
 * Has all ranks see that they train one network on one dataset, wherever each has it.
 *
 * @throws PspnetError "config" on every rank where one differs, which is named.
 */
export async function agreeOnRun(world: World, { config, training, validation }: AgreedRun): Promise<void> {
  const { data, init, ...rest } = config;
  const kept = Object.entries(rest).filter(([key]) => !FREE_KEYS.has(key));
  const { root, ...split } = data;
  const configuration = { ...Object.fromEntries(kept), data: split, init: init !== null };
  const dataset = [training, validation].map(({ length, classes }) => ({ length, names: classes.names }));
  await agreeOn(world, { configuration, dataset }, { command: "train" });
}
