import type { InterpolateOptions } from "./tensor.js";

/** Along one side, where each of the new positions lies between two old ones. */
export interface BilinearAxis {
  /** The old position before it; the one after it is the next, if the fraction is above 0. */
  readonly below: Uint32Array;
  /** The weight of the one after it. */
  readonly fraction: Float64Array;
}

/** The positions of a bilinear resize from `source` values to `target`; without alignCorners, those of cv2.resize's INTER_LINEAR too. */
export function bilinearAxis(source: number, target: number, { alignCorners }: InterpolateOptions): BilinearAxis {
  const below = new Uint32Array(target);
  const fraction = new Float64Array(target);
  for (let i = 0; i < target; i++) {
    const at = sourceOf(i, { source, target, alignCorners });
    below[i] = Math.floor(at);
    fraction[i] = at - below[i];
  }
  return { below, fraction };
}

interface Place extends InterpolateOptions {
  readonly source: number;
  readonly target: number;
}

function sourceOf(i: number, { source, target, alignCorners }: Place): number {
  if (alignCorners === true) return (i * (source - 1)) / Math.max(target - 1, 1);
  const at = alignCorners === "asymmetric" ? (i * source) / target : ((i + 0.5) * source) / target - 0.5;
  return Math.min(Math.max(at, 0), source - 1);
}
