import type { TrainConfig } from "../config/schema.js";
import { answerAsRank } from "../ranks/answerAsRank.js";
import type { TrainResult } from "./train.js";
import { trainAsRank } from "./trainAsRank.js";

// The entry of a process that is one rank of those that `trainOnRanks` started.

answerAsRank<TrainConfig, TrainResult>((config, { place, signal, stream }) =>
  trainAsRank(config, place, { signal, stream, placed: true }),
);
