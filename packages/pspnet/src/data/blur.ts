import type { Size } from "@pspnet/core";
import type { Region } from "./resample.js";

/** cv2's kernel of 5 when sigma is 0: a fixed table, close to a Gaussian of sigma 1.1 but not that. */
const KERNEL = [1 / 16, 4 / 16, 6 / 16] as const;

/** How far a pixel's value reaches. */
export const BLUR_RADIUS = 2;

/** The part of an image of `size` from which {@link blur} makes `region`. */
export function blurSource(region: Region, { width, height }: Size): Region {
  const x = Math.max(0, region.x - BLUR_RADIUS);
  const y = Math.max(0, region.y - BLUR_RADIUS);
  return {
    x,
    y,
    width: Math.min(width, region.x + region.width + BLUR_RADIUS) - x,
    height: Math.min(height, region.y + region.height + BLUR_RADIUS) - y,
  };
}

/**
 * cv2.GaussianBlur, 5x5 with sigma 0, of interleaved channels: rows first, edges mirrored about the outermost pixel (reflect-101).
 *
 * @param options.source The part `from` of an image of `size`, at least {@link blurSource} of `region`.
 * @param options.out `[region.height, region.width, channels]`; may be longer.
 * @param options.scratch `[from.height, region.width, channels]`; may be longer.
 */
export function blur(options: {
  readonly size: Size;
  readonly channels: number;
  readonly source: Float32Array;
  readonly from: Region;
  readonly region: Region;
  readonly scratch: Float32Array;
  readonly out: Float32Array;
}): void {
  const { size, channels, source, from, region, scratch, out } = options;
  const row = channels * region.width;
  const [outer, near, middle] = KERNEL;
  const columns = neighbours(region.x, { count: region.width, side: size.width, origin: from.x, step: channels });
  for (let y = 0; y < from.height; y++) {
    const start = channels * y * from.width;
    let at = y * row;
    for (let x = 0; x < region.width; x++) {
      const a = start + columns[5 * x];
      const b = start + columns[5 * x + 1];
      const m = start + columns[5 * x + 2];
      const d = start + columns[5 * x + 3];
      const e = start + columns[5 * x + 4];
      for (let c = 0; c < channels; c++, at++) {
        scratch[at] =
          middle * source[m + c] + near * (source[b + c] + source[d + c]) + outer * (source[a + c] + source[e + c]);
      }
    }
  }
  const lines = neighbours(region.y, { count: region.height, side: size.height, origin: from.y, step: row });
  for (let y = 0; y < region.height; y++) {
    const a = lines[5 * y];
    const b = lines[5 * y + 1];
    const m = lines[5 * y + 2];
    const d = lines[5 * y + 3];
    const e = lines[5 * y + 4];
    const start = y * row;
    for (let i = 0; i < row; i++) {
      out[start + i] =
        middle * scratch[m + i] + near * (scratch[b + i] + scratch[d + i]) + outer * (scratch[a + i] + scratch[e + i]);
    }
  }
}

/** Offsets, from `origin`, of the five neighbours of each position along a side of the image. */
function neighbours(
  start: number,
  options: { readonly count: number; readonly side: number; readonly origin: number; readonly step: number },
): Int32Array {
  const { count, side, origin, step } = options;
  const offsets = new Int32Array(5 * count);
  for (let i = 0; i < count; i++)
    for (let k = 0; k < 5; k++) offsets[5 * i + k] = step * (reflect(start + i + k - BLUR_RADIUS, side) - origin);
  return offsets;
}

/** The position within 0..side-1 that stands for `position` beyond it: -1 is 1, `side` is `side - 2`. */
function reflect(position: number, side: number): number {
  if (side === 1) return 0;
  const period = 2 * (side - 1);
  const within = ((position % period) + period) % period;
  return within < side ? within : period - within;
}
