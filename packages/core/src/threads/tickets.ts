import { PspnetError } from "../error.js";
import type { FromThread, ToThread } from "./messages.js";

export interface QuestionOptions<News> {
  /** Has the thread end its work on the question. */
  readonly signal?: AbortSignal;
  readonly onNews?: (news: News) => void;
  /** Memory of the question that the thread takes over. */
  readonly transfer?: readonly ArrayBuffer[];
}

interface Waiter<Answer, News> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
  readonly onNews?: (news: News) => void;
}

export interface TicketsOptions<Question> {
  readonly post: (message: ToThread<Question>, transfer?: readonly ArrayBuffer[]) => void;
  /** Called with true when the first question waits, with false when the last is answered. */
  readonly onWaiting: (waiting: boolean) => void;
}

/** What has been asked of a thread or a process and is not answered, whatever carries the messages. */
export class Tickets<Question, Answer, News> {
  readonly #post: TicketsOptions<Question>["post"];
  readonly #onWaiting: TicketsOptions<Question>["onWaiting"];
  readonly #waiters = new Map<number, Waiter<Answer, News>>();
  #count = 0;
  #end: PspnetError | null = null;

  constructor({ post, onWaiting }: TicketsOptions<Question>) {
    this.#post = post;
    this.#onWaiting = onWaiting;
  }

  get waiting(): number {
    return this.#waiters.size;
  }

  get ended(): boolean {
    return this.#end !== null;
  }

  /** @throws what was thrown there; the reason of the signal; the reason of the end. */
  async ask(question: Question, { signal, onNews, transfer }: QuestionOptions<News> = {}): Promise<Answer> {
    signal?.throwIfAborted();
    if (this.#end) throw this.#end;
    const ticket = this.#count++;
    const abort = () => this.#post({ kind: "abort", ticket });
    signal?.addEventListener("abort", abort, { once: true });
    try {
      return await new Promise((resolve, reject) => {
        if (this.#waiters.size === 0) this.#onWaiting(true);
        this.#waiters.set(ticket, { resolve, reject, onNews });
        this.#post({ kind: "ask", ticket, question }, transfer);
      });
    } catch (error) {
      signal?.throwIfAborted();
      throw error;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Has the work on all that has been asked ended. */
  abort(): void {
    for (const ticket of this.#waiters.keys()) this.#post({ kind: "abort", ticket });
  }

  receive(message: FromThread<Answer, News>): void {
    const waiter = this.#waiters.get(message.ticket)!;
    if (message.kind === "news") {
      waiter.onNews?.(message.news);
      return;
    }
    this.#waiters.delete(message.ticket);
    if (this.#waiters.size === 0) this.#onWaiting(false);
    if (message.kind === "answer") waiter.resolve(message.answer);
    else waiter.reject(message.code ? new PspnetError(message.code, message.message) : new Error(message.message));
  }

  /** Nothing more can be asked, for the first reason that is given. */
  end(reason: PspnetError): void {
    this.#end ??= reason;
  }

  /** The other side is gone, and all that has been asked fails for the reason of the end. */
  fail(reason: PspnetError): void {
    this.end(reason);
    for (const { reject } of this.#waiters.values()) reject(this.#end);
    this.#waiters.clear();
  }
}
