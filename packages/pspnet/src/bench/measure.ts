import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { PspnetError } from "@pspnet/core";
import type { BenchTask, FromBenchProcess, ToBenchProcess } from "./benchCase.js";

export interface MeasureOptions {
  readonly rounds: number;
  readonly signal?: AbortSignal;
  /** Called after each round of each task. */
  readonly onRound?: (done: number, total: number) => void;
}

export interface Measurement {
  /** Of each round. */
  readonly milliseconds: readonly number[];
  /** The largest resident set of the process, in bytes. */
  readonly peakMemory: number;
  /** How many convolutions were Winograd's. */
  readonly winograd: number;
}

/**
 * Times the tasks by turns, so that what else the machine does hits all of them alike. Each has a process of its own; only one
 * computes at a time.
 *
 * @returns a measurement a task, in their order.
 */
export async function measure(
  tasks: readonly BenchTask[],
  { rounds, signal, onRound }: MeasureOptions,
): Promise<Measurement[]> {
  const processes: BenchProcess[] = [];
  const total = rounds * tasks.length;
  try {
    for (const task of tasks) {
      signal?.throwIfAborted();
      const measured = new BenchProcess(task);
      processes.push(measured);
      await measured.ready();
    }
    for (let round = 0, done = 0; round < rounds; round++) {
      for (const measured of processes) {
        signal?.throwIfAborted();
        await measured.run();
        onRound?.(++done, total);
      }
    }
    return processes;
  } finally {
    for (const measured of processes) measured.end();
  }
}

class BenchProcess implements Measurement {
  readonly milliseconds: number[] = [];
  peakMemory = 0;
  winograd = 0;
  readonly #task: BenchTask;
  readonly #child: ChildProcess;

  constructor(task: BenchTask) {
    this.#task = task;
    this.#child = fork(fileURLToPath(new URL("./benchProcess.js", import.meta.url)), { execArgv: [] });
  }

  async ready(): Promise<void> {
    await this.#ask({ kind: "start", task: this.#task });
  }

  async run(): Promise<void> {
    const answer = await this.#ask({ kind: "run" });
    if (answer.kind !== "round") return;
    this.milliseconds.push(answer.milliseconds);
    this.peakMemory = answer.peakMemory;
    this.winograd = answer.winograd;
  }

  end(): void {
    this.#child.kill();
  }

  #ask(message: ToBenchProcess): Promise<FromBenchProcess> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const settle = (settled: () => void) => {
        child.off("message", receive).off("exit", exit);
        settled();
      };
      const fail = (reason: string) => {
        const { kind, runtime, precision } = this.#task;
        settle(() => reject(new PspnetError("environment", `bench: ${kind}, ${runtime} ${precision}: ${reason}`)));
      };
      const receive = (answer: FromBenchProcess) =>
        answer.kind === "failed" ? fail(answer.message) : settle(() => resolve(answer));
      const exit = (code: number | null) =>
        fail(`its process ended with ${code ?? "a signal"}; is there enough memory?`);
      child.on("message", receive).on("exit", exit);
      child.send(message);
    });
  }
}
