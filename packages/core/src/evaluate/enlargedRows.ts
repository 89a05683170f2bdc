import type { Size } from "../image/image.js";
import type { AlignCorners } from "../tensor/alignCorners.js";
import { type BilinearAxis, bilinearAxis } from "../tensor/bilinearAxis.js";

/** Logits of a window, `[1, c, h, w]`; or `[2, c, h, w]` with those of its mirror image. */
export interface WindowLogits {
  readonly shape: readonly [number, number, number, number];
  readonly data: Float32Array;
}

export interface Enlargement {
  /** What the logits are enlarged to. */
  readonly enlarged: Size;
  readonly alignCorners: AlignCorners;
}

/** Enlarged logits of a window, one row at a time: all of them never exist. */
export class EnlargedRows {
  readonly views: number;
  readonly classes: number;
  /** The logits of the pixel that was looked at last. */
  readonly pixel: Float64Array;
  readonly #width: number;
  /** `[views, h, w, c]` */
  readonly #logits: Float32Array;
  readonly #down: BilinearAxis;
  readonly #across: BilinearAxis;
  /** Of each view. */
  readonly #blended: readonly Float32Array[];

  constructor({ shape, data }: WindowLogits, { enlarged, alignCorners }: Enlargement) {
    const [views, classes, height, width] = shape;
    [this.views, this.classes, this.#width] = [views, classes, width];
    this.#logits = channelsLast(data, shape);
    this.#down = bilinearAxis(height, enlarged.height, { alignCorners });
    this.#across = bilinearAxis(width, enlarged.width, { alignCorners });
    // One column more than there is: the right neighbour of the last, with fraction 0.
    this.#blended = Array.from({ length: views }, () => new Float32Array((width + 1) * classes));
    this.pixel = new Float64Array(classes);
  }

  /** Goes to row y of a view. */
  goTo(y: number, view = 0): void {
    const length = this.#width * this.classes;
    const fraction = this.#down.fraction[y];
    const first = (view * this.#logits.length) / this.views + this.#down.below[y] * length;
    const second = fraction > 0 ? first + length : first;
    const [logits, blended] = [this.#logits, this.#blended[view]];
    for (let i = 0; i < length; i++) {
      const value = logits[first + i];
      blended[i] = value + fraction * (logits[second + i] - value);
    }
  }

  /** Puts what stands in column x of the row of a view into {@link pixel}, and gives the largest. */
  look(x: number, view = 0): number {
    const { pixel, classes } = this;
    const blended = this.#blended[view];
    const left = this.#across.below[x] * classes;
    const fraction = this.#across.fraction[x];
    let top = -Infinity;
    for (let c = 0; c < classes; c++) {
      const first = blended[left + c];
      const value = first + fraction * (blended[left + classes + c] - first);
      pixel[c] = value;
      top = Math.max(top, value);
    }
    return top;
  }
}

/** `[views, c, h, w]` as `[views, h, w, c]`. */
export function channelsLast(data: Float32Array, [views, classes, height, width]: WindowLogits["shape"]): Float32Array {
  const plane = height * width;
  const result = new Float32Array(data.length);
  for (let view = 0; view < views; view++) {
    const start = view * classes * plane;
    for (let c = 0; c < classes; c++) {
      for (let i = 0; i < plane; i++) result[start + i * classes + c] = data[start + c * plane + i];
    }
  }
  return result;
}
