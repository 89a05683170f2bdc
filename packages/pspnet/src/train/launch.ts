import { existsSync } from "node:fs";
import { basename } from "node:path";
import type { TrainConfig } from "../config/schema.js";
import { runFolder } from "../files/runFolder.js";
import { launchedPlace } from "../ranks/launchedPlace.js";
import { checkpointFile } from "./checkpoint.js";
import { type TrainOptions, type TrainResult, train } from "./train.js";
import { trainAsRank } from "./trainAsRank.js";
import { trainOnRanks } from "./trainOnRanks.js";

/** Trains in this process; as the rank that torchrun, Slurm or Open MPI made of it; or on as many processes as `ranks` says. */
export function launch(config: TrainConfig, options: Omit<TrainOptions, "world" | "recipe">): Promise<TrainResult> {
  const place = launchedPlace();
  if (place === null) return config.ranks === 1 ? train(config, options) : trainOnRanks(config, options);
  return trainAsRank(place.restarts ? goingOnAgain(config) : config, place, options);
}

/** After an elastic launcher's restart: the run of this name that was made last goes on, if it has come to a checkpoint. */
function goingOnAgain(config: TrainConfig): TrainConfig {
  let latest: string | null = null;
  for (let count = 1; existsSync(runFolder(config.runs, config.name, count)); count++) {
    latest = runFolder(config.runs, config.name, count);
  }
  if (latest === null || !existsSync(checkpointFile(latest))) return config;
  return { ...config, name: basename(latest), resume: true };
}
