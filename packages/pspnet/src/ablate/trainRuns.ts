import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PspnetError } from "@pspnet/core";
import type { FromRunProcess, ToRunProcess } from "./runProcess.js";
import type { RunScores } from "./scores.js";
import type { RunTask } from "./trainRun.js";

export interface TrainRunsOptions {
  /** Processes side by side. */
  readonly jobs: number;
  /** Aborting it ends every run after its current step, saved. */
  readonly signal?: AbortSignal;
  /** Called with the share of a run's training that is done. */
  readonly onStep?: (task: RunTask, share: number) => void;
  /** Called with the scores of a run, null when another process has it. */
  readonly onDone?: (task: RunTask, scores: RunScores | null) => void;
}

/** A run that cannot be trained to its end, and why. */
export interface FailedRun {
  readonly id: string;
  readonly message: string;
}

/**
 * Trains runs in processes that go from one to the next, some side by side.
 *
 * @returns the runs whose loss did not stay finite, which keep no other from being trained.
 * @throws PspnetError "interrupted" after the signal, else that of the first run that failed otherwise; the runs beside it are saved.
 */
export async function trainRuns(
  tasks: readonly RunTask[],
  { jobs, signal, onStep, onDone }: TrainRunsOptions,
): Promise<FailedRun[]> {
  const queue = [...tasks];
  const failed: FailedRun[] = [];
  const broken = new AbortController();
  const stop = signal ? AbortSignal.any([signal, broken.signal]) : broken.signal;
  const work = async () => {
    using trainer = new RunProcess(stop);
    for (let task = queue.shift(); task && !stop.aborted; task = queue.shift()) {
      const { id } = task;
      const answer = await trainer.train(task, onStep);
      if (answer.kind === "done") onDone?.(task, answer.scores);
      else if (answer.code === "training") failed.push({ id, message: answer.message });
      else if (answer.code !== "interrupted")
        throw new PspnetError(answer.code ?? "environment", `${id}: ${answer.message}`);
    }
  };
  const workers = Array.from({ length: Math.min(jobs, tasks.length) }, work);
  for (const worker of workers) worker.catch((error) => broken.abort(error));
  await Promise.allSettled(workers);
  stop.throwIfAborted();
  return failed;
}

type Answer = Exclude<FromRunProcess, { readonly kind: "step" }>;

/** A process that trains one run after the other. */
class RunProcess implements Disposable {
  readonly #child: ChildProcess;
  readonly #stop: AbortSignal;
  readonly #onStop = () => this.#send({ kind: "stop" });

  constructor(stop: AbortSignal) {
    this.#child = fork(fileURLToPath(new URL("./runProcess.js", import.meta.url)), { execArgv: [] });
    this.#stop = stop;
    stop.addEventListener("abort", this.#onStop);
  }

  train(task: RunTask, onStep: TrainRunsOptions["onStep"]): Promise<Answer> {
    const child = this.#child;
    return new Promise((resolve) => {
      const settle = (answer: Answer) => {
        child.off("message", receive).off("exit", exit).off("error", fail);
        resolve(answer);
      };
      const fail = ({ message }: Error) => settle({ kind: "failed", code: "environment", message });
      const receive = (message: FromRunProcess) =>
        message.kind === "step" ? onStep?.(task, message.share) : settle(message);
      const exit = (code: number | null, name: string | null) =>
        fail(
          new Error(
            `its process ended with ${name ?? `code ${code}`}; is there enough memory? The same command goes on`,
          ),
        );
      child.on("message", receive).on("exit", exit).on("error", fail);
      if (!child.connected) exit(child.exitCode, child.signalCode);
      this.#send({ kind: "run", task });
    });
  }

  [Symbol.dispose](): void {
    this.#stop.removeEventListener("abort", this.#onStop);
    if (this.#child.connected) this.#child.disconnect();
  }

  #send(message: ToRunProcess): void {
    if (this.#child.connected) this.#child.send(message);
  }
}
