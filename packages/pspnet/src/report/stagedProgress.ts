import { Progress, type TextStream } from "./progress.js";

/** The live line of work that has parts, one after the other. */
export class StagedProgress {
  #doing = "";
  #line: Progress | undefined;

  constructor(private readonly stream: TextStream = { write: () => {} }) {}

  /** @param what the part; another one begins a line of its own. */
  update(what: string, done: number, total: number): void {
    if (what !== this.#doing) {
      this.finish();
      this.#line = new Progress(this.stream, { label: what, total });
      this.#doing = what;
    }
    this.#line?.update(done);
  }

  finish(): void {
    this.#line?.finish();
  }
}
