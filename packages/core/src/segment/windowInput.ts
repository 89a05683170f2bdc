import type { Image, Size } from "../image/image.js";
import type { ByteInput } from "../image/normalise.js";
import { bilinearAxis } from "../tensor/bilinearAxis.js";

/** Which part of an image is looked at. */
export interface WindowPlace {
  /** Size that the image is resized to: cv2.resize with INTER_LINEAR (half-pixel centres, no smoothing when shrinking). */
  readonly scaled: Size;
  /** The window's upper left corner there. */
  readonly top: number;
  readonly left: number;
  readonly window: Size;
  /** What it is padded to on the right and bottom. */
  readonly size: Size;
  readonly flip: boolean;
}

export interface WindowLook extends WindowPlace, ByteInput {}

/**
 * A window of an image as a network's input, `[n, c, height, width]` of `size`: the window's pixels in the upper left, 0, the mean
 * colour, around the image and beyond the window. With `flip`, a second one of the window mirrored. Made of just the pixels that it shows.
 */
export function windowInput(
  { width, height, data }: Image,
  { table, reversed, scaled, top, left, window, size, flip }: WindowLook,
): Float32Array {
  const channels = table.length / 256;
  const plane = size.height * size.width;
  const batch = new Float32Array((flip ? 2 : 1) * channels * plane);
  const down = bilinearAxis(height, scaled.height, { alignCorners: false });
  const across = bilinearAxis(width, scaled.width, { alignCorners: false });
  const [firstRow, lastRow] = [Math.max(0, -top), Math.min(window.height, scaled.height - top)];
  const [begin, end] = [Math.max(0, -left), Math.min(window.width, scaled.width - left)];
  for (let c = 0; c < channels; c++) {
    const values = table.subarray(256 * c, 256 * (c + 1));
    const start = plane * (reversed ? channels - 1 - c : c);
    for (let y = firstRow; y < lastRow; y++) {
      const lower = down.fraction[y + top];
      const above = channels * width * down.below[y + top] + c;
      const below = lower > 0 ? above + channels * width : above;
      const to = start + y * size.width;
      for (let x = begin; x < end; x++) {
        const right = across.fraction[x + left];
        const first = channels * across.below[x + left];
        const second = right > 0 ? first + channels : first;
        const upperValue = blend(values[data[above + first]], values[data[above + second]], right);
        const lowerValue = blend(values[data[below + first]], values[data[below + second]], right);
        const value = blend(upperValue, lowerValue, lower);
        batch[to + x] = value;
        if (flip) batch[channels * plane + to + window.width - 1 - x] = value;
      }
    }
  }
  return batch;
}

function blend(a: number, b: number, fraction: number): number {
  return a + fraction * (b - a);
}
