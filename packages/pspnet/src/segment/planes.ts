import { bilinearAxis, type Size, type WindowPlan } from "@pspnet/core";

/** Maps of one size that lie one after the other: `[channels, height, width]`, row-major. */
export interface Planes extends Size {
  readonly channels: number;
  readonly data: Float32Array;
}

export function planes(channels: number, { height, width }: Size): Planes {
  return { channels, height, width, data: new Float32Array(channels * height * width) };
}

/** `from` at another size: cv2.resize with INTER_LINEAR (half-pixel centres, edges repeated, no smoothing when shrinking). */
export function resized(from: Planes, size: Size): Planes {
  if (from.height === size.height && from.width === size.width) return from;
  const result = planes(from.channels, size);
  const down = bilinearAxis(from.height, size.height, { alignCorners: false });
  const across = bilinearAxis(from.width, size.width, { alignCorners: false });
  for (let c = 0; c < from.channels; c++) {
    const source = c * from.height;
    for (let y = 0; y < size.height; y++) {
      const upper = (source + down.below[y]) * from.width;
      const lower = down.fraction[y] > 0 ? upper + from.width : upper;
      const to = (c * size.height + y) * size.width;
      for (let x = 0; x < size.width; x++) {
        const left = across.below[x];
        const right = across.fraction[x] > 0 ? left + 1 : left;
        const above = blend(from.data[upper + left], from.data[upper + right], across.fraction[x]);
        const below = blend(from.data[lower + left], from.data[lower + right], across.fraction[x]);
        result.data[to + x] = blend(above, below, down.fraction[y]);
      }
    }
  }
  return result;
}

function blend(a: number, b: number, fraction: number): number {
  return a + fraction * (b - a);
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
