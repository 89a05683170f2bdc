import { peakMemory } from "@pspnet/torch";
import { seconds } from "../config/duration.js";
import type { TrainConfig } from "../config/schema.js";
import { Progress, type TextStream } from "../report/progress.js";
import { Rate } from "../report/rate.js";
import { percent } from "../report/table.js";
import type { TrainState } from "./checkpoint.js";

export interface LiveLineOptions {
  /** Where it goes; nowhere when it is left out. */
  readonly stream?: TextStream;
  /** Steps of the whole run. */
  readonly steps: number;
  /** How far the run has come. */
  readonly state: TrainState;
}

/** The line that shows how a run goes on. */
export class LiveLine {
  readonly #config: TrainConfig;
  readonly #stream: TextStream;
  readonly #progress: Progress;
  /** Images over seconds of training. */
  readonly #rate: Rate;

  constructor(config: TrainConfig, { stream = { write: () => {} }, steps, state }: LiveLineOptions) {
    const { batch, budget } = config;
    const from = performance.now() - 1000 * state.elapsed;
    const limit = budget === null ? undefined : { from, seconds: seconds(budget) };
    this.#config = config;
    this.#stream = stream;
    this.#progress = new Progress(stream, { label: "train", total: steps, start: state.step, limit });
    this.#rate = new Rate(batch * state.step, state.seconds);
  }

  say(line: string): void {
    this.#progress.log(line);
  }

  step(state: TrainState, loss: number): void {
    this.#rate.add(this.#config.batch * state.step, state.seconds);
    this.#progress.update(state.step, {
      epoch: `${state.epoch + 1}/${this.#config.epochs}`,
      loss: loss.toFixed(3),
      ...(state.best && { mIoU: percent(state.best.meanIoU) }),
      "images/s": this.#rate.value.toFixed(1),
      GB: (peakMemory() / 2 ** 30).toFixed(1),
    });
  }

  /** A line of its own for a validation of `total` images. */
  validation(total: number): Progress {
    this.finish();
    return new Progress(this.#stream, { label: "validate", total });
  }

  finish(): void {
    this.#progress.finish();
  }
}
