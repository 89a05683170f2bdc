import { answerQuestions } from "@pspnet/core/threads";
import type { Place } from "@pspnet/torch";
import type { TextStream } from "../report/progress.js";
import { parentProcess } from "../threads/parentProcess.js";

/** What a process that `onRanks` started is asked. */
export interface RankQuestion<Task> {
  readonly task: Task;
  readonly place: Place;
  /** What is known of the terminal that rank 0 writes to, by way of the process that started it. */
  readonly terminal: Pick<TextStream, "isTTY" | "columns">;
}

export interface RankOptions {
  readonly place: Place;
  /** Aborted when all are to stop, and when the process that started this one is gone. */
  readonly signal: AbortSignal;
  readonly stream: TextStream;
}

/** All that the module of a process does that is one rank of those that `onRanks` started. */
export function answerAsRank<Task, Result>(work: (task: Task, options: RankOptions) => Promise<Result>): void {
  // Ctrl-C reaches every process of a terminal. The one that started this one tells all ranks to stop.
  for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => {});
  const orphaned = new AbortController();
  process.once("disconnect", () => orphaned.abort());
  answerQuestions<RankQuestion<Task>, Result, string>(parentProcess(), ({ task, place, terminal }, { signal, tell }) =>
    work(task, {
      place,
      signal: AbortSignal.any([signal, orphaned.signal]),
      stream: { ...terminal, write: tell },
    }),
  );
}
