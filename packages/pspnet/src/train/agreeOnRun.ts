import { createHash } from "node:crypto";
import { PspnetError } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import type { Dataset } from "../data/dataset.js";
import { FREE_KEYS } from "./placement.js";
import { sumNumbers, type World } from "./world.js";

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
  if (world.size === 1) return;
  const { data, init, ...rest } = config;
  const kept = Object.entries(rest).filter(([key]) => !FREE_KEYS.has(key));
  const { root, ...split } = data;
  const digests = {
    configuration: digest({ ...Object.fromEntries(kept), data: split, init: init !== null }),
    dataset: digest([training, validation].map(({ length, classes }) => ({ length, names: classes.names }))),
  };
  for (const [what, own] of Object.entries(digests)) {
    const all = new Float64Array(world.size);
    all[world.rank] = own;
    await sumNumbers(world, all);
    const others = Array.from(all.keys()).filter((rank) => all[rank] !== all[0]);
    if (others.length === 0) continue;
    throw new PspnetError(
      "config",
      `train: expected one ${what} on all ranks, but that of rank ${others.join(", ")} is not rank 0's; start all with the same`,
    );
  }
}

/** 48 bits, which a double holds. */
const digest = (value: unknown): number => createHash("sha256").update(JSON.stringify(value)).digest().readUIntBE(0, 6);
