import type { Size, WindowPlan } from "@pspnet/core";

/** Maps of one size that lie one after the other: `[channels, height, width]`, row-major. */
export interface Planes extends Size {
  readonly channels: number;
  readonly data: Float32Array;
}

export function planes(channels: number, { height, width }: Size): Planes {
  return { channels, height, width, data: new Float32Array(channels * height * width) };
}

/**
 * Adds `factor` times `from`, resized to the size of `sum`, to it: cv2.resize with INTER_LINEAR (half-pixel centres, edges
 * repeated, no smoothing when shrinking).
 */
export function addResized(sum: Planes, from: Planes, factor = 1): void {
  const rows = taps(from.height, sum.height);
  const columns = taps(from.width, sum.width);
  for (let c = 0; c < sum.channels; c++) {
    const source = c * from.height * from.width;
    for (let y = 0; y < sum.height; y++) {
      const upper = source + rows.first[y] * from.width;
      const lower = source + rows.second[y] * from.width;
      const below = factor * rows.weight[y];
      const above = factor - below;
      const to = (c * sum.height + y) * sum.width;
      for (let x = 0; x < sum.width; x++) {
        const [left, right, weight] = [columns.first[x], columns.second[x], columns.weight[x]];
        const start = from.data[upper + left] * above + from.data[lower + left] * below;
        const end = from.data[upper + right] * above + from.data[lower + right] * below;
        sum.data[to + x] += start + (end - start) * weight;
      }
    }
  }
}

/** `from` at another size. */
export function resized(from: Planes, size: Size): Planes {
  if (from.height === size.height && from.width === size.width) return from;
  const result = planes(from.channels, size);
  addResized(result, from);
  return result;
}

/** Along one side, for each new position: the two old ones and the weight of the second. */
interface Taps {
  readonly first: Uint32Array;
  readonly second: Uint32Array;
  readonly weight: Float32Array;
}

function taps(from: number, to: number): Taps {
  const first = new Uint32Array(to);
  const second = new Uint32Array(to);
  const weight = new Float32Array(to);
  for (let i = 0; i < to; i++) {
    const exact = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1);
    first[i] = Math.floor(exact);
    second[i] = Math.min(first[i] + 1, from - 1);
    weight[i] = exact - first[i];
  }
  return { first, second, weight };
}

export interface Place {
  readonly plan: WindowPlan;
  /** The window's upper left corner in the padded image. */
  readonly corner: { readonly top: number; readonly left: number };
}

/**
 * A window of an image as a network's input, `[n, channels, height, width]` of `size`: the window's pixels in the upper left,
 * 0 around the image and beyond the window. With `flip`, a second one of the window mirrored.
 */
export function cutWindow(
  image: Planes,
  { plan, corner, size, flip }: Place & { readonly size: Size; readonly flip: boolean },
): Float32Array {
  const one = image.channels * size.height * size.width;
  const batch = new Float32Array((flip ? 2 : 1) * one);
  const { rows, columns } = overlap(image, { plan, corner });
  const last = plan.window.width - 1;
  for (let c = 0; c < image.channels; c++) {
    for (let y = rows.begin; y < rows.end; y++) {
      const from = (c * image.height + y + rows.shift) * image.width + columns.shift;
      const to = (c * size.height + y) * size.width;
      batch.set(image.data.subarray(from + columns.begin, from + columns.end), to + columns.begin);
      if (!flip) continue;
      for (let x = columns.begin; x < columns.end; x++) batch[one + to + last - x] = image.data[from + x];
    }
  }
  return batch;
}

/**
 * Adds what a network gave for {@link cutWindow}'s batch, `[n, channels, height, width]` of `size`, to the image's sums: the
 * mean of the window and its mirrored mirror image.
 */
export function addWindow(
  sum: Planes,
  batch: Float32Array,
  { plan, corner, size, flip }: Place & { readonly size: Size; readonly flip: boolean },
): void {
  const { rows, columns } = overlap(sum, { plan, corner });
  const mirrored = sum.channels * size.height * size.width;
  const last = plan.window.width - 1;
  for (let c = 0; c < sum.channels; c++) {
    for (let y = rows.begin; y < rows.end; y++) {
      const from = (c * size.height + y) * size.width;
      const to = (c * sum.height + y + rows.shift) * sum.width + columns.shift;
      if (flip) {
        const mirror = mirrored + from + last;
        for (let x = columns.begin; x < columns.end; x++) sum.data[to + x] += (batch[from + x] + batch[mirror - x]) / 2;
      } else for (let x = columns.begin; x < columns.end; x++) sum.data[to + x] += batch[from + x];
    }
  }
}

/** The part of a window that lies on the image, in the window's pixels; `shift` takes them to the image's. */
function overlap({ height, width }: Size, { plan: { padding, window }, corner }: Place) {
  const along = (shift: number, length: number, side: number) => ({
    begin: Math.max(0, -shift),
    end: Math.min(length, side - shift),
    shift,
  });
  return {
    rows: along(corner.top - padding.top, window.height, height),
    columns: along(corner.left - padding.left, window.width, width),
  };
}

/** Divides the sums by the number of windows over each pixel: `counts` are those of the padded image. */
export function divideByCounts(sum: Planes, counts: Uint16Array, { padding, padded }: WindowPlan): void {
  const plane = sum.height * sum.width;
  for (let y = 0; y < sum.height; y++) {
    for (let x = 0; x < sum.width; x++) {
      const count = counts[(y + padding.top) * padded.width + x + padding.left];
      if (count === 1) continue;
      for (let i = y * sum.width + x; i < sum.data.length; i += plane) sum.data[i] /= count;
    }
  }
}

/** The channel of the largest value at each pixel, the first of equals. */
export function argmax({ channels, height, width, data }: Planes): Uint8Array {
  const plane = height * width;
  const best = data.slice(0, plane);
  const found = new Uint8Array(plane);
  for (let c = 1; c < channels; c++) {
    const start = c * plane;
    for (let i = 0; i < plane; i++) {
      if (data[start + i] > best[i]) {
        best[i] = data[start + i];
        found[i] = c;
      }
    }
  }
  return found;
}
