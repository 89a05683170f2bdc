/** Along one side, where each of the new positions lies between two old ones. */
export interface BilinearAxis {
  /** The old position before it; the one after it is the next, if the fraction is above 0. */
  readonly below: Uint32Array;
  /** The weight of the one after it. */
  readonly fraction: Float64Array;
}

/** The positions of PyTorch's bilinear `interpolate` from `source` values to `target`; without alignCorners, of cv2.resize's INTER_LINEAR too. */
export function bilinearAxis(
  source: number,
  target: number,
  { alignCorners }: { readonly alignCorners: boolean },
): BilinearAxis {
  const below = new Uint32Array(target);
  const fraction = new Float64Array(target);
  for (let i = 0; i < target; i++) {
    const at = alignCorners
      ? (i * (source - 1)) / Math.max(target - 1, 1)
      : Math.min(Math.max(((i + 0.5) * source) / target - 0.5, 0), source - 1);
    below[i] = Math.floor(at);
    fraction[i] = at - below[i];
  }
  return { below, fraction };
}
