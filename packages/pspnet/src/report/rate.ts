/** How far back a rate looks, in seconds. */
const MEMORY_SECONDS = 30;

/** Things a second, with what is long ago forgotten. */
export class Rate {
  #done: number;
  #time: number | null;
  #things = 0;
  #seconds = 0;

  /** Starts with `done` things at `time`, in seconds of any clock. */
  constructor(done: number, time: number) {
    this.#done = done;
    this.#time = time;
  }

  add(done: number, time: number): void {
    if (this.#time !== null) {
      const seconds = time - this.#time;
      const kept = Math.exp(-seconds / MEMORY_SECONDS);
      this.#things = this.#things * kept + done - this.#done;
      this.#seconds = this.#seconds * kept + seconds;
    }
    this.#done = done;
    this.#time = time;
  }

  /** The time until the next `add` does not count. */
  pause(): void {
    this.#time = null;
  }

  /** NaN as long as nothing is known. */
  get value(): number {
    return this.#things / this.#seconds;
  }
}
