import { answerQuestions } from "@pspnet/core/threads";
import type { Place } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { asRank } from "../ranks/asRank.js";
import type { TextStream } from "../report/progress.js";
import { parentThread } from "../threads/parentThread.js";
import { type TrainOptions, type TrainResult, train } from "./train.js";
import { KEPT } from "./trainAsRank.js";

// The entry of the thread in which a process trains as a rank: `trainAsRank` starts it.

export interface RankTask extends Pick<TrainOptions, "placed"> {
  readonly config: TrainConfig;
  readonly place: Place;
  /** What is known of where rank 0 writes, by way of whoever asks; nothing is written where there is none. */
  readonly terminal: Pick<TextStream, "isTTY" | "columns"> | undefined;
}

answerQuestions<RankTask, TrainResult, string>(parentThread(), (task, { signal, tell }) => {
  const { config, place, placed, terminal } = task;
  const stream = terminal && { ...terminal, write: tell };
  return asRank(place, { ...config, gradients: true, kept: KEPT }, (world) =>
    train(config, { world, signal, placed, stream }),
  );
});
