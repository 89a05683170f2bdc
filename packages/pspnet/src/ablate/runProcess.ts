import { type ErrorCode, PspnetError } from "@pspnet/core";
import type { RunScores } from "./scores.js";
import { type RunTask, trainRun } from "./trainRun.js";

// The entry of the processes that train a study's runs, one after the other.

/** What such a process is told. */
export type ToRunProcess = { readonly kind: "run"; readonly task: RunTask } | { readonly kind: "stop" };

export type FromRunProcess =
  | { readonly kind: "step"; readonly share: number }
  /** Null when another process has the run. */
  | { readonly kind: "done"; readonly scores: RunScores | null }
  | { readonly kind: "failed"; readonly code: ErrorCode | null; readonly message: string };

const stopping = new AbortController();
const stop = () => stopping.abort(new PspnetError("interrupted", "stopped before the end"));
let running = false;

process.on("message", (message: ToRunProcess) => {
  if (message.kind === "stop") stop();
  else run(message.task);
});
// A terminal sends Ctrl-C to this process too; the one that started it says what to do.
process.on("SIGINT", () => {});
// That one is gone: what is done is saved.
process.on("disconnect", () => {
  stop();
  if (!running) process.exit();
});

async function run(task: RunTask): Promise<void> {
  running = true;
  try {
    const onStep = (share: number) => send({ kind: "step", share });
    send({ kind: "done", scores: await trainRun(task, { signal: stopping.signal, onStep }) });
  } catch (error) {
    const { message, code, stack } = error as PspnetError;
    const told = error instanceof PspnetError;
    send({ kind: "failed", code: told ? code : null, message: told ? message : (stack ?? message) });
  }
  running = false;
  if (!process.connected) process.exit();
}

function send(message: FromRunProcess): void {
  if (process.connected) process.send!(message);
}
