import { answerAsRank } from "./answerAsRank.js";
import type { Work } from "./launchWork.js";
import { type NetworkTask, type WorkTask, workAsRank } from "./workAsRank.js";

/** All that the module of a process does that `launchWork` starts. */
export function answerWork<Task extends NetworkTask, Result>(work: Work<Task, Result>): void {
  answerAsRank<WorkTask<Task>, Result>((told, options) => workAsRank(work, told, options));
}
