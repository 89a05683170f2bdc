/** The part of a terminal, or of a file, that the live line needs. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Fields = Readonly<Record<string, string | number>>;

const REDRAW_MS = 100;
const PLAIN_MS = 10_000;
const BAR_WIDTH = 24;

/**
 * One live line: label, bar, count, fields, rate and time left. On a terminal it is redrawn in place; elsewhere it is printed
 * every ten seconds.
 */
export class Progress {
  readonly #stream: TextStream;
  readonly #label: string;
  readonly #total: number;
  readonly #start: number;
  readonly #started = performance.now();
  #shown = Number.NEGATIVE_INFINITY;
  #onScreen = false;
  #last = "";

  /** `start` is what was done before, after a resume: it does not count for the rate. */
  constructor(
    stream: TextStream,
    { label, total, start = 0 }: { readonly label: string; readonly total: number; readonly start?: number },
  ) {
    this.#stream = stream;
    this.#label = label;
    this.#total = total;
    this.#start = start;
  }

  update(done: number, fields: Fields = {}): void {
    this.#last = this.#line(done, fields);
    const now = performance.now();
    if (now - this.#shown < (this.#stream.isTTY ? REDRAW_MS : PLAIN_MS) && done < this.#total) return;
    this.#shown = now;
    this.#draw();
  }

  /** Prints a line of its own; the live line goes on below it. */
  log(line: string): void {
    this.#clear();
    this.#stream.write(`${line}\n`);
  }

  /** Leaves the last state of the line behind. */
  finish(): void {
    if (this.#stream.isTTY && this.#last) {
      this.#draw();
      this.#stream.write("\n");
    }
    this.#onScreen = false;
  }

  #draw(): void {
    if (!this.#stream.isTTY) {
      this.#stream.write(`${this.#last}\n`);
      return;
    }
    this.#clear();
    this.#stream.write(this.#last.slice(0, (this.#stream.columns ?? 80) - 1));
    this.#onScreen = true;
  }

  #clear(): void {
    if (this.#onScreen) this.#stream.write("\r\x1b[2K");
    this.#onScreen = false;
  }

  #line(done: number, fields: Fields): string {
    const share = this.#total > 0 ? Math.min(done / this.#total, 1) : 1;
    const filled = Math.round(share * BAR_WIDTH);
    const bar = `[${"=".repeat(filled)}${" ".repeat(BAR_WIDTH - filled)}]`;
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = (done - this.#start) / seconds;
    const left = rate > 0 ? `${duration((this.#total - done) / rate)} left` : "";
    const parts = Object.entries(fields).map(([name, value]) => `${name} ${value}`);
    return [`${this.#label} ${bar} ${done}/${this.#total}`, ...parts, left].filter(Boolean).join("  ");
  }
}

/** `1h02m`, `3m20s` or `12s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
  if (whole >= 60) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${whole}s`;
}
