import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { PspnetError } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import { createRunFolder, runFolder } from "../files/runFolder.js";
import { onRanks } from "../ranks/onRanks.js";
import { countRanks } from "../ranks/rankDevice.js";
import { checkpointFile } from "./checkpoint.js";
import type { TrainOptions, TrainResult } from "./train.js";
import { KEPT } from "./trainAsRank.js";

type LaunchOptions = Omit<TrainOptions, "world" | "recipe">;

const ENTRY = new URL("rankProcess.js", import.meta.url);

/**
 * Trains on `ranks` processes of this machine, which share its cores: starts them, watches them, and ends all when one is lost; `restarts`
 * times all begin again at the last checkpoint.
 *
 * @throws PspnetError "environment" for ranks=gpus without a GPU; what the first rank to fail found wrong; PspnetError "environment" naming a rank that was lost.
 */
export async function trainOnRanks(config: TrainConfig, options: LaunchOptions): Promise<TrainResult> {
  const { threads } = config;
  const ranks = countRanks(config.ranks);
  const device = config.ranks === "gpus" ? "cuda" : config.device;
  const { placed = config.resume, signal, stream } = options;
  const folder = placed
    ? join(config.runs, config.name)
    : runFolder(config.runs, config.name, await createRunFolder(config.runs, config.name));
  if (basename(folder) !== config.name)
    stream?.write(`${join(config.runs, config.name)} exists: this run is ${folder}\n`);
  let current: TrainConfig = { ...config, ranks, device, name: basename(folder) };
  for (let left = config.restarts; ; left--) {
    try {
      return await onRanks(ENTRY, current, { ranks, threads, kept: KEPT, signal, stream });
    } catch (error) {
      if (!existsSync(join(folder, "config.yaml"))) await rm(folder, { recursive: true, force: true });
      const lost = error instanceof PspnetError && error.code === "environment";
      if (!lost || left === 0 || signal?.aborted) throw error;
      const saved = existsSync(checkpointFile(folder));
      stream?.write(
        `${error.message}\nbeginning again ${saved ? "at the last checkpoint" : "from the start"}, ${left - 1} times more\n`,
      );
      current = { ...current, resume: saved };
    }
  }
}
