import { Problem } from "./problem.js";

export interface QueueOptions {
  /** Requests that have been admitted at once. */
  readonly size: number;
  /** Of them, those whose turn it is. */
  readonly atOnce: number;
}

/** The place of an admitted request. Disposing it gives it to another. */
export interface Place extends Disposable {
  /** Waits for its turn; at once rejected with the signal's reason. */
  turn(signal: AbortSignal): Promise<void>;
}

/** Of the mean time that a turn takes: what the last one counts. */
const WEIGHT = 0.1;

/** Requests in the order in which they came. */
export class Queue {
  readonly #size: number;
  readonly #atOnce: number;
  readonly #waiting: (() => void)[] = [];
  #admitted = 0;
  #working = 0;
  /** Mean, milliseconds. */
  #turn = 0;

  constructor({ size, atOnce }: QueueOptions) {
    this.#size = size;
    this.#atOnce = atOnce;
  }

  /** Requests that have a place. */
  get admitted(): number {
    return this.#admitted;
  }

  /** Requests whose turn it is. */
  get working(): number {
    return this.#working;
  }

  /** Seconds until what has been admitted is probably done, at least one. */
  get retryAfter(): number {
    return Math.min(60, Math.max(1, Math.ceil((this.#admitted * this.#turn) / this.#atOnce / 1000)));
  }

  /** @throws Problem 503 when every place is taken. */
  admit(): Place {
    if (this.#admitted === this.#size) {
      throw this.busy(`expected fewer than ${this.#size} requests at once; ask again later`);
    }
    this.#admitted++;
    let began: number | null = null;
    let done = false;
    return {
      turn: async (signal) => {
        await this.#turnOf(signal);
        began = performance.now();
      },
      [Symbol.dispose]: () => {
        if (done) return;
        done = true;
        this.#admitted--;
        if (began !== null) this.#end(performance.now() - began);
      },
    };
  }

  /** 503, and when to come again. */
  busy(detail: string): Problem {
    return new Problem(503, detail, { "retry-after": String(this.retryAfter) });
  }

  #turnOf(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (this.#working < this.#atOnce) {
      this.#working++;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const begin = () => {
        signal.removeEventListener("abort", leave);
        this.#working++;
        resolve();
      };
      const leave = () => {
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(signal.reason);
      };
      signal.addEventListener("abort", leave, { once: true });
      this.#waiting.push(begin);
    });
  }

  #end(took: number): void {
    this.#turn = this.#turn === 0 ? took : this.#turn + WEIGHT * (took - this.#turn);
    this.#working--;
    this.#waiting.shift()?.();
  }
}
