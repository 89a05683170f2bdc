import { IGNORE, type LabelMap } from "../image/image.js";

/** Of all images' diagonals the share that the band along contours is wide: what Boundary IoU is published with for large pictures. */
export const BOUNDARY_SHARE = 0.02;

/** Pixels of each class. */
export interface BoundaryCounts {
  readonly intersections: readonly number[];
  readonly unions: readonly number[];
}

/**
 * Boundary IoU (Cheng et al., CVPR 2021, arXiv 2103.16562) of each class, over many images: the intersection over union of just those of
 * the class's pixels in truth and in prediction that lie within a band along its contours, there and there. The band is 2 % of the
 * image's diagonal wide, at least a pixel; the image's border is a contour, and that of what is ignored, which counts as nothing.
 */
export class BoundaryIoU {
  readonly #intersections: Float64Array;
  readonly #unions: Float64Array;

  constructor(
    readonly classes: number,
    counts: BoundaryCounts = { intersections: Array(classes).fill(0), unions: Array(classes).fill(0) },
  ) {
    this.#intersections = Float64Array.from(counts.intersections);
    this.#unions = Float64Array.from(counts.unions);
  }

  add(prediction: LabelMap, truth: LabelMap): this {
    const { width, height } = truth;
    const reach = Math.max(1, Math.round(BOUNDARY_SHARE * Math.hypot(width, height)));
    const guess = { ...prediction, data: prediction.data.map((id, i) => (truth.data[i] === IGNORE ? IGNORE : id)) };
    const [inTruth, inGuess] = [contourBand(truth, reach), contourBand(guess, reach)];
    for (let i = 0; i < truth.data.length; i++) {
      const [label, predicted] = [truth.data[i], guess.data[i]];
      if (label === IGNORE) continue;
      if (label === predicted) {
        if (inTruth[i] && inGuess[i]) this.#intersections[label]++;
        if (inTruth[i] || inGuess[i]) this.#unions[label]++;
      } else {
        if (inTruth[i]) this.#unions[label]++;
        if (inGuess[i]) this.#unions[predicted]++;
      }
    }
    return this;
  }

  /** Adds the counts of other images. */
  merge(other: BoundaryIoU): this {
    for (const [i, pixels] of other.#intersections.entries()) this.#intersections[i] += pixels;
    for (const [i, pixels] of other.#unions.entries()) this.#unions[i] += pixels;
    return this;
  }

  toJSON(): BoundaryCounts {
    return { intersections: [...this.#intersections], unions: [...this.#unions] };
  }

  /** Of each class; null for one without any pixel there. */
  scores(): (number | null)[] {
    return Array.from(this.#unions, (union, id) => (union > 0 ? this.#intersections[id] / union : null));
  }
}

/** 1 for each pixel with another label, or the image's end, within `reach` rows and columns. */
export function contourBand({ width, height, data }: LabelMap, reach: number): Uint8Array {
  const calm = new Uint8Array(data.length);
  for (let y = 0; y < height; y++) markCalm({ labels: data, start: y * width, step: 1, count: width, reach }, calm);
  const band = new Uint8Array(data.length).fill(1);
  const square = new Uint8Array(data.length);
  // Down the columns a run must not only have one label: each of its pixels must be calm along its row.
  const labels = Int16Array.from(data, (label, i) => (calm[i] ? label : -1));
  for (let x = 0; x < width; x++) markCalm({ labels, start: x, step: width, count: height, reach }, square);
  for (let i = 0; i < band.length; i++) if (calm[i] && square[i]) band[i] = 0;
  return band;
}

interface Line {
  readonly labels: ArrayLike<number>;
  readonly start: number;
  readonly step: number;
  readonly count: number;
  readonly reach: number;
}

/** Marks those of a line whose neighbours within `reach`, all of which there are, have their label. */
function markCalm({ labels, start, step, count, reach }: Line, marks: Uint8Array): void {
  for (let begin = 0; begin < count; ) {
    const label = labels[start + begin * step];
    let end = begin + 1;
    while (end < count && labels[start + end * step] === label) end++;
    for (let i = begin + reach; i < end - reach; i++) marks[start + i * step] = 1;
    begin = end;
  }
}
