import { placeFromEnvironment } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { type TrainOptions, type TrainResult, train } from "./train.js";
import { trainAsRank } from "./trainAsRank.js";
import { trainOnRanks } from "./trainOnRanks.js";

/** Trains in this process; as the rank that torchrun, Slurm or Open MPI made of it; or on as many processes as `ranks` says. */
export function launch(config: TrainConfig, options: Omit<TrainOptions, "world" | "recipe">): Promise<TrainResult> {
  const place = placeFromEnvironment(process.env);
  if (place !== null) return trainAsRank(config, place, options);
  return config.ranks > 1 ? trainOnRanks(config, options) : train(config, options);
}
