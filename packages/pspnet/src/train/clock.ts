import type { TrainState } from "./checkpoint.js";

/** Counts the time that a run takes, from when it is made. */
export class Clock {
  #counted = performance.now();

  /** Adds the time since the last call: to `elapsed` in any case, to `seconds` when it was training, waiting for batches included. */
  count(state: TrainState, what: "training" | "other"): void {
    const now = performance.now();
    const seconds = (now - this.#counted) / 1000;
    this.#counted = now;
    state.elapsed += seconds;
    if (what === "training") state.seconds += seconds;
  }
}
