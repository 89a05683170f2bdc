import { once } from "node:events";
import { existsSync } from "node:fs";
import { type Transferable, Worker } from "node:worker_threads";
import { PspnetError } from "@pspnet/core";
import type { FromThread, ToThread } from "./messages.js";

export interface ThreadOptions {
  /** Whose thread it is, for messages. */
  readonly name: string;
  /** What it starts with. */
  readonly data: unknown;
  readonly onExit?: () => void;
}

export interface QuestionOptions<News> {
  /** Has the thread end its work on the question. */
  readonly signal?: AbortSignal;
  readonly onNews?: (news: News) => void;
  /** Memory of the question that the thread takes over. */
  readonly transfer?: readonly Transferable[];
}

interface Waiter<Answer, News> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly onNews?: (news: News) => void;
}

/**
 * A thread that answers questions, seen from the one that asks; `answerQuestions` is the other side. While it is idle it does not keep
 * the process alive.
 */
export class Thread<Question, Answer, News = never> {
  readonly #name: string;
  readonly #worker: Worker;
  readonly #waiters = new Map<number, Waiter<Answer, News>>();
  #tickets = 0;
  #failure: PspnetError | null = null;

  /** @throws PspnetError "environment" when `file`, its module, is not built. */
  constructor(file: URL, { name, data, onExit }: ThreadOptions) {
    if (!existsSync(file)) {
      const expected = `expected a built worker in ${file.pathname}, found none`;
      throw new PspnetError("environment", `${name}: ${expected}; run it from the built package`);
    }
    this.#name = name;
    // Without the process's own flags: some, such as --input-type, make a worker fail.
    this.#worker = new Worker(file, { workerData: data, execArgv: [] });
    this.#worker.unref();
    this.#worker.on("message", (message: FromThread<Answer, News>) => this.#receive(message));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", (code) => {
      onExit?.();
      this.#fail(new Error(`it exited with ${code}`));
    });
  }

  /** Questions without an answer. */
  get waiting(): number {
    return this.#waiters.size;
  }

  /** @throws what the thread threw; the reason of the signal; PspnetError "environment" when the thread has ended. */
  async ask(question: Question, { signal, onNews, transfer }: QuestionOptions<News> = {}): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#failure) throw this.#failure;
    const ticket = this.#tickets++;
    const abort = () => this.#post({ kind: "abort", ticket });
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        this.#waiters.set(ticket, { resolve, reject, onNews });
        this.#worker.ref();
        this.#post({ kind: "ask", ticket, question }, transfer);
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Has it end its work on all that has been asked. */
  abort(): void {
    for (const ticket of this.#waiters.keys()) this.#post({ kind: "abort", ticket });
  }

  /** Ends it when what has been asked is answered. */
  async close(): Promise<void> {
    if (this.#failure) return;
    this.#worker.ref();
    const exit = once(this.#worker, "exit");
    this.#post({ kind: "close" });
    await exit;
  }

  /** Ends it at once; what has been asked fails for that reason. */
  async terminate(reason: PspnetError): Promise<void> {
    this.#failure ??= reason;
    await this.#worker.terminate();
  }

  #post(message: ToThread<Question>, transfer: readonly Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromThread<Answer, News>): void {
    const waiter = this.#waiters.get(message.ticket)!;
    if (message.kind === "news") {
      waiter.onNews?.(message.news);
      return;
    }
    this.#waiters.delete(message.ticket);
    if (this.#waiters.size === 0) this.#worker.unref();
    if (message.kind === "answer") waiter.resolve(message.answer);
    else waiter.reject(message.code ? new PspnetError(message.code, message.message) : new Error(message.message));
  }

  /** The thread is gone, and what it had to do with it. */
  #fail(cause: Error): void {
    this.#failure ??= new PspnetError("environment", `${this.#name}: its thread ended: ${cause.message}`, { cause });
    for (const { reject } of this.#waiters.values()) reject(this.#failure);
    this.#waiters.clear();
  }
}
