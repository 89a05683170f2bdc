import { PspnetError } from "../error.js";
import { IGNORE } from "../image/image.js";

export interface ClassScore {
  /** Intersection over union, 0 to 1. */
  readonly iou: number;
  /** Share of the class's pixels that are predicted as it. */
  readonly accuracy: number;
  /** Pixels of the class in the labels. */
  readonly pixels: number;
  /** Whether labels or predictions have any pixel of the class. */
  readonly present: boolean;
}

export interface Scores {
  readonly pixelAccuracy: number;
  /** Means over all classes: one that is nowhere counts as 0, as in the official release's `cal_acc`. */
  readonly meanAccuracy: number;
  readonly meanIoU: number;
  /** Means as mmsegmentation's: of accuracy over the classes that labels have, of IoU over those that labels or predictions have. */
  readonly meanAccuracyPresent: number;
  readonly meanIoUPresent: number;
  readonly classes: readonly ClassScore[];
}

/** The figures that a protocol is quoted by. */
export interface Headline extends Pick<Scores, "meanIoU" | "meanAccuracy" | "pixelAccuracy"> {
  /** The ADE20K challenge's: the mean of mean IoU and pixel accuracy. */
  readonly score: number;
}

/** @param mean Over all classes, or those that labels or predictions have. */
export function headline(scores: Scores, mean: "all" | "present"): Headline {
  const { pixelAccuracy } = scores;
  const meanIoU = mean === "all" ? scores.meanIoU : scores.meanIoUPresent;
  const meanAccuracy = mean === "all" ? scores.meanAccuracy : scores.meanAccuracyPresent;
  return { meanIoU, meanAccuracy, pixelAccuracy, score: (meanIoU + pixelAccuracy) / 2 };
}

/** What the official release adds to each denominator, so that an absent class gives 0 instead of NaN. */
const TINY = 1e-10;

/** Pixels by (true class, predicted class): the one source of every metric. Pixels labelled {@link IGNORE} do not count. */
export class ConfusionMatrix {
  /** Row by row: `counts[truth * classes + prediction]`. */
  readonly counts: Float64Array;

  constructor(
    readonly classes: number,
    counts?: ArrayLike<number>,
  ) {
    if (counts && counts.length !== classes * classes) {
      throw new PspnetError("data", `ConfusionMatrix: expected ${classes * classes} counts, found ${counts.length}`);
    }
    this.counts = counts ? Float64Array.from(counts) : new Float64Array(classes * classes);
  }

  /**
   * Counts the pixels of one picture, or of many.
   *
   * @throws PspnetError "data" for maps of different length and for ids that are no class; nothing is counted then.
   */
  add(prediction: Uint8Array, target: Uint8Array): this {
    if (prediction.length !== target.length) {
      const found = `${prediction.length} and ${target.length}`;
      throw new PspnetError(
        "data",
        `ConfusionMatrix.add: expected as many predicted as labelled pixels, found ${found}`,
      );
    }
    const pairs = new Uint32Array(0x1_0000);
    for (let i = 0; i < target.length; i++) pairs[(target[i] << 8) | prediction[i]]++;
    this.#check(pairs);
    for (let truth = 0; truth < this.classes; truth++) {
      for (let guess = 0; guess < this.classes; guess++) {
        this.counts[truth * this.classes + guess] += pairs[(truth << 8) | guess];
      }
    }
    return this;
  }

  /** Adds the counts of another part of the data. */
  merge(other: ConfusionMatrix): this {
    if (other.classes !== this.classes) {
      throw new PspnetError("data", `ConfusionMatrix.merge: expected ${this.classes} classes, found ${other.classes}`);
    }
    for (let i = 0; i < this.counts.length; i++) this.counts[i] += other.counts[i];
    return this;
  }

  scores(): Scores {
    const classes = Array.from({ length: this.classes }, (_, id) => this.#scoreOf(id));
    const present = classes.filter((score) => score.present);
    let correct = 0;
    for (let id = 0; id < this.classes; id++) correct += this.counts[id * this.classes + id];
    const total = this.counts.reduce((sum, count) => sum + count, 0);
    return {
      pixelAccuracy: correct / (total + TINY),
      meanAccuracy: mean(classes.map((score) => score.accuracy)),
      meanIoU: mean(classes.map((score) => score.iou)),
      meanAccuracyPresent: mean(classes.filter(({ pixels }) => pixels > 0).map((score) => score.accuracy)),
      meanIoUPresent: mean(present.map((score) => score.iou)),
      classes,
    };
  }

  toJSON(): { readonly classes: number; readonly counts: readonly number[] } {
    return { classes: this.classes, counts: [...this.counts] };
  }

  #scoreOf(id: number): ClassScore {
    const { classes, counts } = this;
    let truth = 0;
    let guesses = 0;
    for (let other = 0; other < classes; other++) {
      truth += counts[id * classes + other];
      guesses += counts[other * classes + id];
    }
    const hits = counts[id * classes + id];
    const union = truth + guesses - hits;
    return { iou: hits / (union + TINY), accuracy: hits / (truth + TINY), pixels: truth, present: union > 0 };
  }

  #check(pairs: Uint32Array): void {
    for (let pair = 0; pair < pairs.length; pair++) {
      const truth = pair >> 8;
      const guess = pair & 255;
      if (pairs[pair] === 0 || truth === IGNORE || (truth < this.classes && guess < this.classes)) continue;
      const [what, id] = truth < this.classes ? ["predicted id", guess] : ["label id", truth];
      const mend = `map other ids to ${IGNORE} (ignored) or raise classes`;
      throw new PspnetError(
        "data",
        `ConfusionMatrix.add: ${what} ${id} is not one of ${this.classes} classes; ${mend}`,
      );
    }
  }
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
