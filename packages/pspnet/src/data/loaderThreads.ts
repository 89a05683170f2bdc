import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { type ErrorCode, PspnetError } from "@pspnet/core";
import type { Dataset } from "./dataset.js";
import { type LoadedSample, type SampleTask, SampleWriter, type WriterOptions } from "./sampleWriter.js";
import type { DatasetSource } from "./source.js";
import { cancelled, TaskQueue } from "./taskQueue.js";

/** Samples that one thread decodes at once, while it augments another. */
const AHEAD = 3;

/** What a worker starts with. */
export interface WorkerSettings {
  readonly source: DatasetSource;
  readonly writer: WriterOptions;
  readonly ahead: number;
}

export type ToWorker =
  | { readonly kind: "load"; readonly ticket: number; readonly task: SampleTask }
  | { readonly kind: "cancel" };

export type FromWorker =
  | { readonly kind: "loaded"; readonly ticket: number; readonly loaded: LoadedSample }
  | { readonly kind: "failed"; readonly ticket: number; readonly code: ErrorCode | null; readonly message: string };

/** Something that loads samples. */
export interface LoaderThread {
  /** Tasks that are not done. */
  readonly load: number;
  add(task: SampleTask): Promise<LoadedSample>;
  /** Rejects the tasks that have not begun; the others end soon. */
  cancel(): void;
  close(): Promise<void>;
}

/** `count` threads, or the calling one when that is 0. */
export function startThreads(
  count: number,
  { dataset, writer }: { readonly dataset: Dataset; readonly writer: WriterOptions },
): readonly LoaderThread[] {
  if (count === 0) return [new CallingThread(dataset, writer)];
  return Array.from({ length: count }, () => new WorkerThread({ source: dataset.source, writer, ahead: AHEAD }));
}

class CallingThread implements LoaderThread {
  readonly load = 0;
  readonly #queue: TaskQueue<SampleTask, LoadedSample>;

  constructor(dataset: Dataset, options: WriterOptions) {
    const writer = new SampleWriter(options);
    this.#queue = new TaskQueue((task) => writer.write(dataset, task), { ahead: AHEAD });
  }

  add(task: SampleTask): Promise<LoadedSample> {
    return this.#queue.add(task);
  }

  cancel(): void {
    this.#queue.cancel();
  }

  async close(): Promise<void> {}
}

interface Waiter {
  readonly resolve: (loaded: LoadedSample) => void;
  readonly reject: (error: unknown) => void;
}

class WorkerThread implements LoaderThread {
  readonly #worker: Worker;
  readonly #waiters = new Map<number, Waiter>();
  #tickets = 0;
  #failure: PspnetError | null = null;

  constructor(settings: WorkerSettings) {
    const file = new URL("./loaderWorker.js", import.meta.url);
    if (!existsSync(file)) {
      const mend = "run it from the built package, or set workers=0";
      throw new PspnetError("environment", `Loader: expected a built worker in ${file.pathname}, found none; ${mend}`);
    }
    // Without the process's own flags: some, such as --input-type, make a worker fail.
    this.#worker = new Worker(file, { workerData: settings, execArgv: [] });
    // An idle worker does not keep the process alive.
    this.#worker.unref();
    this.#worker.on("message", (message: FromWorker) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (code) => this.#fail(new Error(`it exited with ${code}`)));
  }

  get load(): number {
    return this.#waiters.size;
  }

  add(task: SampleTask): Promise<LoadedSample> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const ticket = this.#tickets++;
      if (this.#waiters.size === 0) this.#worker.ref();
      this.#waiters.set(ticket, { resolve, reject });
      this.#post({ kind: "load", ticket, task });
    });
  }

  cancel(): void {
    this.#post({ kind: "cancel" });
  }

  async close(): Promise<void> {
    this.#failure = cancelled();
    await this.#worker.terminate();
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #receive(message: FromWorker): void {
    const waiter = this.#waiters.get(message.ticket)!;
    this.#waiters.delete(message.ticket);
    if (this.#waiters.size === 0) this.#worker.unref();
    if (message.kind === "loaded") waiter.resolve(message.loaded);
    else waiter.reject(message.code ? new PspnetError(message.code, message.message) : new Error(message.message));
  }

  /** The thread is gone, and what it had to do with it. */
  #fail(cause: Error): void {
    this.#failure ??= new PspnetError("environment", `Loader: a worker thread ended: ${cause.message}`, { cause });
    for (const { reject } of this.#waiters.values()) reject(this.#failure);
    this.#waiters.clear();
  }
}
