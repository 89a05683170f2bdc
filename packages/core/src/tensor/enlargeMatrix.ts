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
  for (let row = 0; row < size; row++) {
    for (let tap = 0; tap < taps; tap++) {
      const position = row + tap - (taps - 1) / 2;
      if (position < 0 || position >= size) continue;
      const source = sourceIndex(position, { size, bins, alignCorners });
      const low = Math.floor(source);
      const start = (row * taps + tap) * bins;
      matrix[start + low] += 1 - (source - low);
      matrix[start + Math.min(low + 1, bins - 1)] += source - low;
    }
  }
  return matrix;
}

interface Scale {
  readonly size: number;
  readonly bins: number;
  readonly alignCorners: boolean;
}

function sourceIndex(position: number, { size, bins, alignCorners }: Scale): number {
  if (alignCorners) return size === 1 ? 0 : (position * (bins - 1)) / (size - 1);
  return Math.min(Math.max(((position + 0.5) * bins) / size - 0.5, 0), bins - 1);
}
