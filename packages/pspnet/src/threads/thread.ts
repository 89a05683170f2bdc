import { once } from "node:events";
import { existsSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { PspnetError } from "@pspnet/core";
import { type FromThread, type QuestionOptions, Tickets } from "@pspnet/core/threads";

export interface ThreadOptions {
  /** Whose thread it is, for messages. */
  readonly name: string;
  /** What it starts with. */
  readonly data: unknown;
  readonly onExit?: () => void;
}

/**
 * A thread that answers questions, seen from the one that asks; `answerQuestions` with `parentThread` is the other side. While it is
 * idle it does not keep the process alive.
 */
export class Thread<Question, Answer, News = never> {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #tickets: Tickets<Question, Answer, News>;

  /** @throws PspnetError "environment" when `file`, its module, is not built. */
  constructor(file: URL, { name, data, onExit }: ThreadOptions) {
    requireBuilt(file, name);
    this.#name = name;
    // Without the process's own flags: some, such as --input-type, make a worker fail.
    const worker = new Worker(file, { workerData: data, execArgv: [] });
    this.#worker = worker;
    this.#tickets = new Tickets({
      post: (message, transfer = []) => worker.postMessage(message, transfer),
      onWaiting: (waiting) => (waiting ? worker.ref() : worker.unref()),
    });
    worker.unref();
    worker.on("message", (message: FromThread<Answer, News>) => this.#tickets.receive(message));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", (code) => {
      onExit?.();
      this.#fail(new Error(`it exited with ${code}`));
    });
  }

  /** Questions without an answer. */
  get waiting(): number {
    return this.#tickets.waiting;
  }

  /** @throws what the thread threw; the reason of the signal; PspnetError "environment" when the thread has ended. */
  ask(question: Question, options?: QuestionOptions<News>): Promise<Answer> {
    return this.#tickets.ask(question, options);
  }

  /** Has it end its work on all that has been asked. */
  abort(): void {
    this.#tickets.abort();
  }

  /** Ends it when what has been asked is answered. */
  async close(): Promise<void> {
    if (this.#tickets.ended) return;
    this.#worker.ref();
    const exit = once(this.#worker, "exit");
    this.#worker.postMessage({ kind: "close" });
    await exit;
  }

  /** Ends it at once; what has been asked fails for that reason. */
  async terminate(reason: PspnetError): Promise<void> {
    this.#tickets.end(reason);
    await this.#worker.terminate();
  }

  #fail(cause: Error): void {
    const message = `${this.#name}: its thread ended: ${cause.message}`;
    this.#tickets.fail(new PspnetError("environment", message, { cause }));
  }
}

/** @throws PspnetError "environment" when a worker's module is not built. */
export function requireBuilt(file: URL, name: string): void {
  if (existsSync(file)) return;
  const expected = `expected a built worker in ${file.pathname}, found none`;
  throw new PspnetError("environment", `${name}: ${expected}; run it from the built package`);
}
