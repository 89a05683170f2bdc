import { PspnetError } from "@pspnet/core";
import { Subprocess } from "../threads/subprocess.js";
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
    let end = "";
    const trainer = new Subprocess<RunTask, RunScores | null, number>(new URL("./runProcess.js", import.meta.url), {
      name: "ablate",
      onExit: () => {
        end = "; is there enough memory? The same command goes on";
      },
    });
    try {
      for (let task = queue.shift(); task && !stop.aborted; task = queue.shift()) {
        const current = task;
        try {
          const onNews = (share: number) => onStep?.(current, share);
          onDone?.(current, await trainer.ask(current, { signal: stop, onNews }));
        } catch (error) {
          stop.throwIfAborted();
          const { code, message } = error as PspnetError;
          if (code !== "training") throw new PspnetError(code ?? "environment", `${current.id}: ${message}${end}`);
          failed.push({ id: current.id, message });
        }
      }
    } finally {
      await trainer.close();
    }
  };
  const workers = Array.from({ length: Math.min(jobs, tasks.length) }, work);
  for (const worker of workers) worker.catch((error) => broken.abort(error));
  await Promise.allSettled(workers);
  stop.throwIfAborted();
  return failed;
}
