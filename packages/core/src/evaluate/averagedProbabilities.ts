import { PspnetError } from "../error.js";
import type { Size } from "../image/image.js";
import { type BilinearAxis, bilinearAxis } from "../tensor/bilinearAxis.js";
import { EnlargedRows, type WindowLogits } from "./enlargedRows.js";
import type { WindowGrid } from "./tiles.js";

/** Logits of the windows of an image at one scale. */
export interface ScaledLogits<Logits> {
  /** Of the image at this scale. */
  readonly size: Size;
  readonly grid: WindowGrid;
  /** What a window's logits are enlarged to: its size, or more, the rest of which is cut off. */
  readonly enlarged: Size;
  /** In the grid's order, one for each of its windows. */
  readonly windows: readonly Logits[];
}

export interface AverageOptions {
  /** Of the image. */
  readonly size: Size;
  /** From which row to before which; left out, all. The windows that lie on them are enough. */
  readonly rows?: readonly [begin: number, end: number];
  /** Of the enlargement of the logits. */
  readonly alignCorners: boolean;
}

/**
 * Class probabilities `[c, rows, w]` of an image, by the official release's `tool/test.py`: the softmax of the enlarged logits, averaged
 * with the mirrored one of the mirror image, over the windows on a pixel, and, resized to the image, over the scales. The image's rows
 * are made one at a time, so the enlarged logits never exist.
 */
export function averagedProbabilities(
  scales: readonly ScaledLogits<WindowLogits>[],
  options: AverageOptions,
): Float32Array {
  const { width } = options.size;
  const [begin, end] = rowsOf(options);
  const classes = classesOf(scales);
  const result = new Float32Array(classes * (end - begin) * width);
  forEachRow(scales, options, (row, y) => {
    for (let c = 0; c < classes; c++) {
      const start = (c * (end - begin) + y - begin) * width;
      for (let x = 0; x < width; x++) result[start + x] = row[x * classes + c];
    }
  });
  return result;
}

/** The class of largest {@link averagedProbabilities} of each pixel, the first of equals: `[rows, w]`. */
export function averagedLabels(scales: readonly ScaledLogits<WindowLogits>[], options: AverageOptions): Uint8Array {
  const { width } = options.size;
  const [begin, end] = rowsOf(options);
  const classes = classesOf(scales);
  const result = new Uint8Array((end - begin) * width);
  forEachRow(scales, options, (row, y) => {
    for (let x = 0; x < width; x++) {
      const start = x * classes;
      let best = 0;
      for (let c = 1; c < classes; c++) if (row[start + c] > row[start + best]) best = c;
      result[(y - begin) * width + x] = best;
    }
  });
  return result;
}

function rowsOf({ size, rows = [0, size.height] }: AverageOptions): readonly [number, number] {
  const [begin, end] = rows;
  if (0 <= begin && begin < end && end <= size.height) return rows;
  throw new PspnetError("usage", `rows: expected some of the image's ${size.height}, found ${begin} to ${end}`);
}

function classesOf(scales: readonly ScaledLogits<WindowLogits>[]): number {
  const shapes = scales.flatMap(({ windows }) => windows.map(({ shape }) => shape));
  const found = new Set(shapes.map(([, classes]) => classes));
  if (found.size !== 1 || scales.some(({ grid, windows }) => grid.windows.length !== windows.length)) {
    const said = `${shapes.length} windows of ${[...found].join(", ")} classes`;
    throw new PspnetError("usage", `logits: expected those of each window, of one number of classes, found ${said}`);
  }
  return shapes[0][1];
}

/** Calls `visit` with the probabilities of each of the image's rows, `[w, c]`; they are overwritten by the next. */
function forEachRow(
  scales: readonly ScaledLogits<WindowLogits>[],
  options: AverageOptions,
  visit: (row: Float32Array, y: number) => void,
): void {
  const rows = scales.map((scale) => new ScaleRows(scale, options));
  const sum = new Float32Array(options.size.width * classesOf(scales));
  const [begin, end] = rowsOf(options);
  for (let y = begin; y < end; y++) {
    sum.fill(0);
    for (const one of rows) one.addTo(sum, y, 1 / rows.length);
    visit(sum, y);
  }
}

/** The rows of probabilities of one scale. Row y, once made, is kept in place y % 2 for the image's next row. */
class ScaleRows {
  readonly #scale: ScaledLogits<WindowLogits>;
  readonly #windows: readonly EnlargedRows[];
  readonly #classes: number;
  /** From the image to this scale. */
  readonly #down: BilinearAxis;
  readonly #across: BilinearAxis;
  readonly #rows: readonly [Float32Array, Float32Array];
  readonly #held = [-1, -1];
  readonly #counts: Uint16Array;

  constructor(scale: ScaledLogits<WindowLogits>, { size, alignCorners }: AverageOptions) {
    this.#scale = scale;
    this.#windows = scale.windows.map((logits) => new EnlargedRows(logits, { enlarged: scale.enlarged, alignCorners }));
    this.#classes = scale.windows[0].shape[1];
    this.#down = bilinearAxis(scale.size.height, size.height, { alignCorners: false });
    this.#across = bilinearAxis(scale.size.width, size.width, { alignCorners: false });
    const length = scale.size.width * this.#classes;
    this.#rows = [new Float32Array(length), new Float32Array(length)];
    this.#counts = new Uint16Array(scale.size.width);
  }

  /** Adds `share` of row y of the image. */
  addTo(sum: Float32Array, y: number, share: number): void {
    const above = this.#down.below[y];
    const lower = this.#down.fraction[y];
    this.#addRow(sum, above, share * (1 - lower));
    if (lower > 0) this.#addRow(sum, above + 1, share * lower);
  }

  #addRow(sum: Float32Array, y: number, share: number): void {
    const row = this.#row(y);
    const { below, fraction } = this.#across;
    const classes = this.#classes;
    for (let x = 0, i = 0; x < below.length; x++) {
      const right = share * fraction[x];
      const left = share - right;
      let from = below[x] * classes;
      if (right === 0) for (const end = i + classes; i < end; ) sum[i++] += left * row[from++];
      else for (const end = i + classes; i < end; from++) sum[i++] += left * row[from] + right * row[from + classes];
    }
  }

  #row(y: number): Float32Array {
    const row = this.#rows[y % 2];
    if (this.#held[y % 2] === y) return row;
    this.#held[y % 2] = y;
    row.fill(0);
    this.#counts.fill(0);
    for (const i of this.#windows.keys()) this.#addWindow(row, y, i);
    for (const [x, count] of this.#counts.entries()) {
      if (count > 1) for (let i = x * this.#classes; i < (x + 1) * this.#classes; i++) row[i] /= count;
    }
    return row;
  }

  /** Adds the softmax of the logits of window i, averaged with the mirrored one of its mirror image. */
  #addWindow(row: Float32Array, y: number, i: number): void {
    const { padding, window, windows } = this.#scale.grid;
    const { top, left } = windows[i];
    const inside = y + padding.top - top;
    if (inside < 0 || inside >= window.height) return;
    const shift = left - padding.left;
    const begin = Math.max(0, -shift);
    const end = Math.min(window.width, this.#scale.size.width - shift);
    for (let x = begin; x < end; x++) this.#counts[x + shift]++;
    const logits = this.#windows[i];
    const { views, classes, pixel } = logits;
    for (let view = 0; view < views; view++) {
      logits.goTo(inside, view);
      for (let x = begin; x < end; x++) {
        const largest = logits.look(view === 0 ? x : window.width - 1 - x);
        const factor = 1 / views / exponentiate(pixel, largest);
        const at = (x + shift) * classes;
        for (let c = 0; c < classes; c++) row[at + c] += factor * pixel[c];
      }
    }
  }
}

/** Steps of the table for each power of two. */
const STEPS = 64;
/** 2^(-i / STEPS), down to 2^-127. */
let powers: Float64Array | undefined;

/**
 * Makes each value x exp(x - top) and gives their sum; no value is above `top`. By a table and a polynomial of degree 3, within 4e-11:
 * `Math.exp`, which takes four times as long, was most of an averaging.
 */
function exponentiate(values: Float64Array, top: number): number {
  powers ??= Float64Array.from({ length: 127 * STEPS + 1 }, (_, i) => 2 ** (-i / STEPS));
  const table = powers;
  let sum = 0;
  for (let i = 0; i < values.length; i++) {
    const steps = Math.min((top - values[i]) * (STEPS / Math.LN2), table.length - 1);
    const whole = (steps + 0.5) | 0;
    const rest = (whole - steps) * (Math.LN2 / STEPS);
    const value = table[whole] * (1 + rest * (1 + rest * (0.5 + rest / 6)));
    values[i] = value;
    sum += value;
  }
  return sum;
}
