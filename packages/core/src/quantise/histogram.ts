import { PspnetError } from "../error.js";
import { HISTOGRAM_BINS } from "../graph/graph.js";

/** How the ends of a value's range are found: so many per cent of its numbers lie within; or what loses the least information. */
export type Calibration = { readonly kind: "percentile"; readonly percent: number } | { readonly kind: "entropy" };

/** Levels of a byte. */
const LEVELS = 256;

/** How often the numbers of a value come over several images, but for 0. */
export class Histogram {
  /** Of a bin, a power of two; 0 as long as there are none. */
  #width = 0;
  #counts: Float64Array = new Float64Array(2 * HISTOGRAM_BINS);

  /**
   * Adds what the plan's operator `histogram` gives.
   *
   * @throws PspnetError "weights" for numbers that were not finite.
   */
  add(name: string, [width, ...counts]: Float32Array): void {
    if (!Number.isFinite(width)) {
      const mend = "they diverged, or are of another network; take others";
      throw new PspnetError("weights", `${name}: expected finite numbers, found others: with these weights ${mend}`);
    }
    if (width === 0) return;
    const common = Math.max(width, this.#width);
    const sum = inBins(this.#counts, this.#width === 0 ? 1 : common / this.#width);
    for (const [bin, count] of inBins(counts, common / width).entries()) sum[bin] += count;
    this.#counts = sum;
    this.#width = common;
  }

  /** Lowest and highest number that bytes are to stand for. */
  range(calibration: Calibration): [low: number, high: number] {
    const below = Array.from(this.#counts.subarray(0, HISTOGRAM_BINS)).reverse();
    const above = Array.from(this.#counts.subarray(HISTOGRAM_BINS));
    const ends = calibration.kind === "entropy" ? entropyEnds(below, above) : percentileEnds(below, above, calibration);
    if (ends.every((end) => end === 0)) return [0, 1];
    return [0 - ends[0] * this.#width, ends[1] * this.#width];
  }
}

/** Counts of bins so many times as wide. */
function inBins(counts: ArrayLike<number>, factor: number): Float64Array {
  const wide = new Float64Array(2 * HISTOGRAM_BINS);
  for (let bin = 0; bin < counts.length; bin++)
    wide[Math.floor((bin - HISTOGRAM_BINS) / factor) + HISTOGRAM_BINS] += counts[bin];
  return wide;
}

type Counts = readonly number[];

const sum = (counts: Counts): number => counts.reduce((total, count) => total + count, 0);

/** The bins within which, from 0 down and up, so many lie. What lies beyond is shared by both sides, if there are two. */
function percentileEnds(below: Counts, above: Counts, { percent }: { readonly percent: number }): [number, number] {
  const sides = [below, above].filter((counts) => sum(counts) > 0).length;
  const beyond = ((1 - percent / 100) * (sum(below) + sum(above))) / Math.max(sides, 1);
  const end = (counts: Counts) => {
    let left = beyond;
    let bin = counts.length;
    while (bin > 0 && counts[bin - 1] <= left) left -= counts[--bin];
    return bin;
  };
  return [end(below), end(above)];
}

/** Of a value with numbers on both sides the same on both, but no further than they go. */
function entropyEnds(below: Counts, above: Counts): [number, number] {
  const most = [below, above].map((counts) => counts.findLastIndex((count) => count > 0) + 1);
  const levels = most[0] > 0 && most[1] > 0 ? LEVELS / 2 : LEVELS;
  const end = entropyEnd(
    below.map((count, bin) => count + above[bin]),
    levels,
  );
  return [Math.min(most[0], end), Math.min(most[1], end)];
}

/**
 * The number of bins, from 0 up, to keep so that the distribution in so many levels, with what lies beyond in the last bin, says the most of the
 * whole one: the least Kullback-Leibler divergence (Migacz, "8-bit inference with TensorRT", 2017).
 */
function entropyEnd(counts: Counts, levels: number): number {
  const last = counts.findLastIndex((count) => count > 0) + 1;
  let best = { end: last, divergence: Number.POSITIVE_INFINITY };
  let beyond = 0;
  for (let end = last; end >= levels; beyond += counts[--end]) {
    const divergence = divergenceOf(counts.slice(0, end), { levels, beyond });
    if (divergence < best.divergence) best = { end, divergence };
  }
  return best.end;
}

/** How far the kept counts, with what lies beyond in the last bin, are from what a few levels make of them. */
function divergenceOf(kept: Counts, { levels, beyond }: { readonly levels: number; readonly beyond: number }): number {
  const reference = kept.map((count, bin) => (bin === kept.length - 1 ? count + beyond : count));
  const coarse = new Float64Array(kept.length);
  for (let level = 0; level < levels; level++) {
    const begin = Math.round((level * kept.length) / levels);
    const end = Math.round(((level + 1) * kept.length) / levels);
    const part = kept.slice(begin, end);
    const filled = part.filter((count) => count > 0).length;
    const mean = filled === 0 ? 0 : sum(part) / filled;
    for (const [i, count] of part.entries()) coarse[begin + i] = count > 0 ? mean : 0;
  }
  const [all, known] = [sum(reference), sum(kept)];
  let divergence = 0;
  for (const [bin, count] of reference.entries()) {
    if (count === 0) continue;
    // A bin that holds only what lies beyond has nothing in the levels.
    const share = Math.max(coarse[bin] / known, 1e-12);
    divergence += (count / all) * Math.log(count / all / share);
  }
  return divergence;
}
