import { answerAsRank } from "./answerAsRank.js";
import { asRank } from "./asRank.js";
import type { Work } from "./launchWork.js";

/** What a rank that `launchWork` started is told. */
export interface WorkTask<Task> {
  readonly task: Task;
  readonly timeout: string;
  readonly kept: string;
}

/** All that the module of a process does that `launchWork` starts. */
export function answerWork<Task, Result>(work: Work<Task, Result>): void {
  answerAsRank<WorkTask<Task>, Result>(({ task, timeout, kept }, { place, ...options }) =>
    asRank(place, { timeout, kept }, (world) => work(task, { world, ...options })),
  );
}
