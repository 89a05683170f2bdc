import { Thread } from "../threads/thread.js";
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

class WorkerThread implements LoaderThread {
  readonly #thread: Thread<SampleTask, LoadedSample>;

  constructor(settings: WorkerSettings) {
    this.#thread = new Thread(new URL("./loaderWorker.js", import.meta.url), { name: "Loader", data: settings });
  }

  get load(): number {
    return this.#thread.waiting;
  }

  add(task: SampleTask): Promise<LoadedSample> {
    return this.#thread.ask(task);
  }

  cancel(): void {
    this.#thread.abort();
  }

  close(): Promise<void> {
    return this.#thread.terminate(cancelled());
  }
}
