import { bilinearAxis } from "./bilinearAxis.js";
import type { EnlargeMatrixOptions } from "./tensor.js";

/**
 * Bilinear enlargement of `bins` values to `size` as a matrix: `[size, taps * bins]`, row-major.
 *
 * With one tap, row r holds the weights that position r gives to the values, PyTorch's `interpolate`. With more, its column
 * (t, i) holds what position r + t - (taps - 1) / 2 gives to value i, and 0 outside: what a convolution of that many taps,
 * zero-padded to keep the size, sees of the enlarged values.
 */
export function enlargeMatrix(size: number, { bins, taps, alignCorners }: EnlargeMatrixOptions): Float64Array {
  const matrix = new Float64Array(size * taps * bins);
  const { below, fraction } = bilinearAxis(bins, size, { alignCorners });
  for (let row = 0; row < size; row++) {
    for (let tap = 0; tap < taps; tap++) {
      const position = row + tap - (taps - 1) / 2;
      if (position < 0 || position >= size) continue;
      const start = (row * taps + tap) * bins;
      matrix[start + below[position]] += 1 - fraction[position];
      matrix[start + Math.min(below[position] + 1, bins - 1)] += fraction[position];
    }
  }
  return matrix;
}
