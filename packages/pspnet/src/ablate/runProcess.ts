import process from "node:process";
import { answerQuestions } from "@pspnet/core/threads";
import { parentProcess } from "../threads/parentProcess.js";
import type { RunScores } from "./scores.js";
import { type RunTask, trainRun } from "./trainRun.js";

// The entry of the processes that train a study's runs, one after the other.

const gone = new AbortController();
// The one that started it is no more: what is done is saved.
process.on("disconnect", () => gone.abort());
// A terminal sends Ctrl-C to this process too; the one that started it says what to do.
process.on("SIGINT", () => {});

/** Null when another process has the run; on the way the share of its training that is done. */
answerQuestions<RunTask, RunScores | null, number>(parentProcess(), (task, { signal, tell }) =>
  trainRun(task, { signal: AbortSignal.any([signal, gone.signal]), onStep: tell }),
);
