import { bilinearAxis } from "./bilinearAxis.js";
import type { InterpolateOptions } from "./tensor.js";

/** Along one side, what each new value is made of. */
export interface ResizeAxis {
  /** How many old values a new one is made of at most. */
  readonly taps: number;
  /** The first of them. */
  readonly first: Uint32Array;
  /** `[target, taps]`: their weights, whose sum is 1; those beyond the last old value are 0. */
  readonly weights: Float64Array;
}

/** Between the two nearest values: {@link bilinearAxis}. */
export function linearAxis(source: number, target: number, options: InterpolateOptions): ResizeAxis {
  const { below, fraction } = bilinearAxis(source, target, options);
  const weights = new Float64Array(2 * target);
  for (let i = 0; i < target; i++) [weights[2 * i], weights[2 * i + 1]] = [1 - fraction[i], fraction[i]];
  return { taps: 2, first: below, weights };
}

export interface SmoothOptions {
  /** What lies beyond the ends: MATLAB's `imresize` mirrors the values there, Pillow has none. */
  readonly edges: "mirrored" | "none";
}

/**
 * By a triangle, as wide as two old values or, when shrinking, as two new ones: the bilinear filter with antialiasing of MATLAB's
 * `imresize` and of Pillow's `resize`.
 */
export function smoothAxis(source: number, target: number, { edges }: SmoothOptions): ResizeAxis {
  const step = source / target;
  const reach = Math.max(1, step);
  const places = Array.from({ length: target }, (_, i) => {
    const middle = (i + 0.5) * step - 0.5;
    const weights = new Map<number, number>();
    for (let j = Math.ceil(middle - reach); j <= middle + reach; j++) {
      const weight = 1 - Math.abs(j - middle) / reach;
      const at = edges === "mirrored" ? mirrored(j, source) : j;
      if (weight > 0 && at >= 0 && at < source) weights.set(at, (weights.get(at) ?? 0) + weight);
    }
    return weights;
  });
  const first = Uint32Array.from(places, (weights) => Math.min(...weights.keys()));
  const taps = Math.max(...places.map((weights, i) => Math.max(...weights.keys()) - first[i] + 1));
  const weights = new Float64Array(target * taps);
  for (const [i, place] of places.entries()) {
    const sum = [...place.values()].reduce((a, b) => a + b);
    for (const [at, weight] of place) weights[i * taps + at - first[i]] = weight / sum;
  }
  return { taps, first, weights };
}

/** The value that stands in place i when the row of `count` values goes on mirrored, its ends repeated, at both ends. */
function mirrored(i: number, count: number): number {
  const turn = ((i % (2 * count)) + 2 * count) % (2 * count);
  return turn < count ? turn : 2 * count - 1 - turn;
}
