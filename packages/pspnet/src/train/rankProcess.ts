import { answerQuestions } from "@pspnet/core/threads";
import type { Place } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import type { TextStream } from "../report/progress.js";
import { parentProcess } from "../threads/parentProcess.js";
import type { TrainResult } from "./train.js";
import { trainAsRank } from "./trainAsRank.js";

// The entry of a process that is one rank of those that `trainOnRanks` started.

export interface RankTask {
  readonly config: TrainConfig;
  readonly place: Place;
  /** What is known of the terminal that rank 0 writes to, by way of the process that started it. */
  readonly terminal: Pick<TextStream, "isTTY" | "columns">;
}

// Ctrl-C reaches every process of a terminal. The one that started this one tells all ranks to stop.
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
const orphaned = new AbortController();
process.once("disconnect", () => orphaned.abort());

answerQuestions<RankTask, TrainResult, string>(parentProcess(), ({ config, place, terminal }, { signal, tell }) =>
  trainAsRank(config, place, {
    signal: AbortSignal.any([signal, orphaned.signal]),
    stream: { ...terminal, write: tell },
    placed: true,
  }),
);
