import { Rate } from "./rate.js";

/** The part of a terminal, or of a file, that the live line needs. */
export interface TextStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export type Fields = Readonly<Record<string, string | number>>;

export interface ProgressOptions {
  /** What is done, as the line begins. */
  readonly label: string;
  /** How many there are to do, as far as is known; Infinity where nobody knows. */
  readonly total: number;
  /** What was done before, after a resume: it does not count for the rate. */
  readonly start?: number;
  /** For what ends after a time, if not before: that many seconds after `from`, which is of `performance.now()`. */
  readonly limit?: { readonly from: number; readonly seconds: number };
}

const REDRAW_MS = 100;
const PLAIN_MS = 5_000;
const BAR_WIDTHS = [24, 16, 8];

/**
 * One live line: label, bar, count, fields and time left. On a terminal it is redrawn in place, ten times a second at most,
 * and fits the width; elsewhere it is a plain line every five seconds, the first and the last state always.
 */
export class Progress {
  readonly #stream: TextStream;
  readonly #label: string;
  readonly #total: number;
  readonly #rate: Rate;
  readonly #limit: ProgressOptions["limit"];
  #drawn = Number.NEGATIVE_INFINITY;
  #onScreen = false;
  #state: { readonly done: number; readonly fields: Fields } | null = null;
  #stale = false;

  constructor(stream: TextStream, { label, total, start = 0, limit }: ProgressOptions) {
    this.#stream = stream;
    this.#label = label;
    this.#total = total;
    this.#rate = new Rate(start, performance.now() / 1000);
    this.#limit = limit;
  }

  /** @param fields What the line shows beside the count, most important first: a narrow terminal leaves out the last. */
  update(done: number, fields: Fields = {}): void {
    const now = performance.now();
    this.#rate.add(done, now / 1000);
    this.#state = { done, fields };
    this.#stale = true;
    if (now - this.#drawn >= (this.#stream.isTTY ? REDRAW_MS : PLAIN_MS) || done === this.#total) this.#draw();
  }

  /** Prints a line of its own; the live line goes on below it. */
  log(line: string): void {
    const live = this.#onScreen;
    this.#clear();
    this.#stream.write(`${line}\n`);
    if (live) this.#draw();
  }

  /** Leaves the last state behind. A later `update` begins a new line; the time until then does not count for the rate. */
  finish(): void {
    if (this.#stale) this.#draw();
    if (this.#onScreen) this.#stream.write("\n");
    this.#onScreen = false;
    this.#state = null;
    this.#rate.pause();
    this.#drawn = Number.NEGATIVE_INFINITY;
  }

  #draw(): void {
    if (!this.#state) return;
    this.#drawn = performance.now();
    this.#stale = false;
    const { done, fields } = this.#state;
    const { share, seconds } = this.#standing(done);
    const texts = Object.entries(fields).map(([name, value]) => `${name} ${value}`);
    const known = Number.isFinite(this.#total) && done <= this.#total;
    const count = known ? `${done}/${this.#total}` : String(done);
    const left = share < 1 && Number.isFinite(seconds) ? [`${duration(seconds)} left`] : [];
    if (this.#stream.isTTY) {
      this.#clear();
      const parts = { label: this.#label, share: known ? share : null, count, texts, left };
      this.#stream.write(fit(parts, (this.#stream.columns ?? 80) - 1));
      this.#onScreen = true;
    } else {
      const head = `${this.#label} ${count}${known ? ` (${Math.floor(100 * share)} %)` : ""}`;
      this.#stream.write(`${[head, ...texts, ...left].join("  ")}\n`);
    }
  }

  /** Share done and seconds left: by count or by time, whichever ends first. Not finite as long as nothing is known. */
  #standing(done: number): { readonly share: number; readonly seconds: number } {
    const share = this.#total > 0 ? Math.min(done / this.#total, 1) : 1;
    const seconds = (this.#total - done) / this.#rate.value;
    if (!this.#limit) return { share, seconds };
    const used = (this.#drawn - this.#limit.from) / 1000;
    const left = Math.max(this.#limit.seconds - used, 0);
    return {
      share: Math.max(share, Math.min(used / this.#limit.seconds, 1)),
      seconds: Number.isFinite(seconds) ? Math.min(seconds, left) : left,
    };
  }

  #clear(): void {
    if (this.#onScreen) this.#stream.write("\r\x1b[2K");
    this.#onScreen = false;
  }
}

interface LineParts {
  readonly label: string;
  /** Null where nobody knows. */
  readonly share: number | null;
  readonly count: string;
  readonly texts: readonly string[];
  readonly left: readonly string[];
}

/** The line with the widest bar that fits; then without bar, then without the last fields. */
function fit({ label, share, count, texts, left }: LineParts, width: number): string {
  const line = (head: string, fields: readonly string[]) => [`${label} ${head}`, ...fields, ...left].join("  ");
  const candidates = [
    ...(share === null ? [] : BAR_WIDTHS.map((size) => line(`${bar(share, size)} ${count}`, texts))),
    ...texts.map((_, i) => line(count, texts.slice(0, texts.length - i))),
    line(count, []),
  ];
  const last = candidates[candidates.length - 1];
  return candidates.find((candidate) => candidate.length <= width) ?? last.slice(0, Math.max(width, 0));
}

function bar(share: number, width: number): string {
  const filled = Math.round(share * width);
  return `[${"=".repeat(filled)}${" ".repeat(width - filled)}]`;
}

/** `1h02m`, `3m20s` or `12s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (value: number) => String(value).padStart(2, "0");
  if (whole >= 3600) return `${Math.floor(whole / 3600)}h${two(Math.floor((whole % 3600) / 60))}m`;
  if (whole >= 60) return `${Math.floor(whole / 60)}m${two(whole % 60)}s`;
  return `${whole}s`;
}
