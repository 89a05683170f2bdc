import { Progress, type TextStream } from "../report/progress.js";
import { Rate } from "../report/rate.js";

/** The line that shows how a download goes on, in megabytes (10^6 bytes). */
export class DownloadLine {
  readonly #label: string;
  readonly #stream: TextStream;
  #shown: { readonly progress: Progress; readonly rate: Rate } | null = null;

  /** @param stream Where it goes; nowhere when it is left out. */
  constructor(label: string, stream: TextStream = { write: () => {} }) {
    this.#label = label;
    this.#stream = stream;
  }

  /** @param total Null where it is not known: nothing is shown then. */
  update(done: number, total: number | null): void {
    if (total === null) return;
    const now = performance.now() / 1000;
    this.#shown ??= {
      progress: new Progress(this.#stream, { label: this.#label, total: megabytes(total), start: megabytes(done) }),
      rate: new Rate(done, now),
    };
    const { progress, rate } = this.#shown;
    rate.add(done, now);
    progress.update(megabytes(done), { "MB/s": (rate.value / 1e6 || 0).toFixed(1) });
  }

  say(line: string): void {
    if (this.#shown) this.#shown.progress.log(line);
    else this.#stream.write(`${line}\n`);
  }

  finish(): void {
    this.#shown?.progress.finish();
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / 1e5) / 10;
