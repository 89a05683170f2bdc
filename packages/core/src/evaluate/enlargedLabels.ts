import { bilinearAxis } from "../tensor/bilinearAxis.js";
import type { EnlargeOptions, WholeLogits } from "./enlargedLogits.js";
import { channelsLast, type WindowLogits } from "./enlargedRows.js";

/** Of the logits: more than rounding adds to what lies between two of them. */
const ROUNDING = 1e-6;

/** The class of the largest of `enlargedLogits` of each pixel, the first of equals: `[rows, w]`. */
export function enlargedLabels([{ windows, enlarged }]: WholeLogits, options: EnlargeOptions): Uint8Array {
  const { size, rows: [begin, end] = [0, size.height], alignCorners } = options;
  const [, , height, width] = windows[0].shape;
  const down = bilinearAxis(height, enlarged.height, { alignCorners });
  const across = bilinearAxis(width, enlarged.width, { alignCorners });
  const cells = new CellRow(windows[0]);
  const result = new Uint8Array((end - begin) * size.width);
  for (let y = begin, i = 0; y < end; y++) {
    cells.goTo(down.below[y]);
    for (let x = 0; x < size.width; x++)
      result[i++] = cells.best(across.below[x], down.fraction[y], across.fraction[x]);
  }
  return result;
}

/**
 * The cells between two rows of logits. What is blended from a cell's four corners lies between the smallest and the largest of them:
 * only classes whose largest corner reaches the largest of all smallest corners can win in it, most often one or two.
 */
class CellRow {
  readonly #classes: number;
  readonly #height: number;
  readonly #width: number;
  /** `[h, w, c]` */
  readonly #logits: Float32Array;
  /** The classes that can win in each cell, ascending: `[w, c]`, and how many there are. */
  readonly #candidates: Uint16Array;
  readonly #counts: Uint16Array;
  #row = -1;

  constructor({ shape, data }: WindowLogits) {
    const [, classes, height, width] = shape;
    [this.#classes, this.#height, this.#width] = [classes, height, width];
    this.#logits = channelsLast(data, shape);
    this.#candidates = new Uint16Array(width * classes);
    this.#counts = new Uint16Array(width);
  }

  /** Goes to the cells between rows `row` and `row + 1`. */
  goTo(row: number): void {
    if (row === this.#row) return;
    this.#row = row;
    for (let column = 0; column < this.#width; column++) this.#find(column);
  }

  /** The class of the largest logit in a cell, so far below and right of its upper left corner. */
  best(column: number, lower: number, right: number): number {
    const first = column * this.#classes;
    const count = this.#counts[column];
    let best = this.#candidates[first];
    if (count === 1) return best;
    const logits = this.#logits;
    const [a, b, c, d] = this.#corners(column);
    let top = -Infinity;
    for (let i = first; i < first + count; i++) {
      const k = this.#candidates[i];
      // In float32, as rows of enlarged logits are kept.
      const left = Math.fround(logits[a + k] + lower * (logits[c + k] - logits[a + k]));
      const value = left + right * (Math.fround(logits[b + k] + lower * (logits[d + k] - logits[b + k])) - left);
      if (value > top) [top, best] = [value, k];
    }
    return best;
  }

  #find(column: number): void {
    const [logits, classes] = [this.#logits, this.#classes];
    const [a, b, c, d] = this.#corners(column);
    let reached = -Infinity;
    for (let k = 0; k < classes; k++)
      reached = Math.max(reached, Math.min(logits[a + k], logits[b + k], logits[c + k], logits[d + k]));
    reached -= ROUNDING * Math.abs(reached);
    let to = column * classes;
    for (let k = 0; k < classes; k++)
      if (Math.max(logits[a + k], logits[b + k], logits[c + k], logits[d + k]) >= reached) this.#candidates[to++] = k;
    this.#counts[column] = to - column * classes;
  }

  /** Where the logits of the upper left, upper right, lower left and lower right corner begin. */
  #corners(column: number): readonly [number, number, number, number] {
    const next = Math.min(column + 1, this.#width - 1);
    const upper = this.#row * this.#width;
    const lower = Math.min(this.#row + 1, this.#height - 1) * this.#width;
    const classes = this.#classes;
    return [(upper + column) * classes, (upper + next) * classes, (lower + column) * classes, (lower + next) * classes];
  }
}
