import { PspnetError } from "@pspnet/core";

/** Runs tasks in order, at most `ahead` at once, so that one is decoded while another is augmented. */
export class TaskQueue<Task, Result> {
  readonly #run: (task: Task) => Promise<Result>;
  readonly #ahead: number;
  #waiting: {
    readonly task: Task;
    readonly resolve: (result: Result) => void;
    readonly reject: (e: unknown) => void;
  }[] = [];
  #running = 0;

  constructor(run: (task: Task) => Promise<Result>, { ahead }: { readonly ahead: number }) {
    this.#run = run;
    this.#ahead = ahead;
  }

  add(task: Task): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ task, resolve, reject });
      this.#next();
    });
  }

  /** Rejects the tasks that have not begun. */
  cancel(): void {
    const dropped = this.#waiting;
    this.#waiting = [];
    for (const { reject } of dropped) reject(cancelled());
  }

  #next(): void {
    while (this.#running < this.#ahead && this.#waiting.length > 0) {
      const { task, resolve, reject } = this.#waiting.shift()!;
      this.#running++;
      this.#run(task)
        .then(resolve, reject)
        .finally(() => {
          this.#running--;
          this.#next();
        });
    }
  }
}

/** What a sample that nobody wants any more ends with. */
export function cancelled(): PspnetError {
  return new PspnetError("interrupted", "Loader: the epoch ended before this sample was loaded");
}
