import { PspnetError } from "../error.js";
import type { Size } from "../image/image.js";
import type { ProtocolRules } from "../protocols/protocol.js";
import type { ResizeAxis } from "../tensor/resizeAxis.js";
import { EnlargedRows, type WindowLogits } from "./enlargedRows.js";
import { type ImageResize, imageAxis } from "./imageAxis.js";
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

export interface AverageOptions extends ImageResize {
  /** Of the image. */
  readonly size: Size;
  /** From which row to before which; left out, all. The windows that lie on them are enough. */
  readonly rows?: readonly [begin: number, end: number];
}

/**
 * Class probabilities `[c, rows, w]` of an image: what its windows' enlarged logits are averaged to, as {@link ProtocolRules.softmax} says,
 * resized to the image, and averaged over the scales. The image's rows are made one at a time, so the enlarged logits never exist.
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

/** What is averaged over the windows of one scale, row by row. A row, once made, is kept for the image's next ones. */
class ScaleRows {
  readonly #scale: ScaledLogits<WindowLogits>;
  readonly #softmax: ProtocolRules["softmax"];
  readonly #windows: readonly EnlargedRows[];
  readonly #classes: number;
  /** Maps that are kept apart until they are resized: the views, where logits are averaged. */
  readonly #maps: number;
  /** From this scale to the image. */
  readonly #down: ResizeAxis;
  readonly #across: ResizeAxis;
  /** `[maps, w, c]`; row y in place y % taps. */
  readonly #rows: readonly Float32Array[];
  readonly #held: number[];
  readonly #counts: Uint16Array;
  /** A row of the image before it is resized across. */
  readonly #blended: Float32Array;
  readonly #pixel: Float64Array;

  constructor(scale: ScaledLogits<WindowLogits>, { size, alignCorners, rules }: AverageOptions) {
    this.#scale = scale;
    this.#softmax = rules.softmax;
    this.#windows = scale.windows.map((logits) => new EnlargedRows(logits, { enlarged: scale.enlarged, alignCorners }));
    const [views, classes] = scale.windows[0].shape;
    this.#classes = classes;
    this.#maps = rules.softmax === "image" ? views : 1;
    this.#down = imageAxis(scale.size.height, size.height, { alignCorners, rules });
    this.#across = imageAxis(scale.size.width, size.width, { alignCorners, rules });
    const length = this.#maps * scale.size.width * classes;
    this.#rows = Array.from({ length: this.#down.taps }, () => new Float32Array(length));
    this.#held = this.#rows.map(() => -1);
    this.#counts = new Uint16Array(scale.size.width);
    this.#blended = new Float32Array(length);
    this.#pixel = new Float64Array(classes);
  }

  /** Adds `share` of row y of the image. */
  addTo(sum: Float32Array, y: number, share: number): void {
    this.#blend(y);
    const { taps, first, weights } = this.#across;
    const [classes, pixel, blended] = [this.#classes, this.#pixel, this.#blended];
    for (let map = 0; map < this.#maps; map++) {
      const start = map * this.#scale.size.width;
      for (let x = 0, i = 0; x < first.length; x++) {
        pixel.fill(0);
        for (let k = 0; k < taps; k++) {
          const weight = weights[x * taps + k];
          if (weight === 0) continue;
          const from = (start + first[x] + k) * classes;
          for (let c = 0; c < classes; c++) pixel[c] += weight * blended[from + c];
        }
        const factor = this.#softmax === "image" ? share / this.#maps / exponentiate(pixel, Math.max(...pixel)) : share;
        for (let c = 0; c < classes; c++) sum[i++] += factor * pixel[c];
      }
    }
  }

  #blend(y: number): void {
    const { taps, first, weights } = this.#down;
    const blended = this.#blended.fill(0);
    for (let k = 0; k < taps; k++) {
      const weight = weights[y * taps + k];
      if (weight === 0) continue;
      const row = this.#row(first[y] + k);
      for (let i = 0; i < blended.length; i++) blended[i] += weight * row[i];
    }
  }

  #row(y: number): Float32Array {
    const place = y % this.#rows.length;
    const row = this.#rows[place];
    if (this.#held[place] === y) return row;
    this.#held[place] = y;
    row.fill(0);
    this.#counts.fill(0);
    for (const i of this.#windows.keys()) this.#addWindow(row, y, i);
    const [classes, { width }] = [this.#classes, this.#scale.size];
    for (let at = 0; at < this.#maps * width; at++) {
      const count = this.#counts[at % width];
      if (count > 1) for (let i = at * classes; i < (at + 1) * classes; i++) row[i] /= count;
    }
    return row;
  }

  /** Adds the logits of window i, or their softmax, each view's or that of the views' sum. */
  #addWindow(row: Float32Array, y: number, i: number): void {
    const { padding, window, windows } = this.#scale.grid;
    const { top, left } = windows[i];
    const inside = y + padding.top - top;
    if (inside < 0 || inside >= window.height) return;
    const shift = left - padding.left;
    const begin = Math.max(0, -shift);
    const end = Math.min(window.width, this.#scale.size.width - shift);
    const logits = this.#windows[i];
    const { views, classes, pixel } = logits;
    for (let view = 0; view < views; view++) logits.goTo(inside, view);
    for (let x = begin; x < end; x++) {
      this.#counts[x + shift]++;
      const at = (x + shift) * classes;
      if (this.#softmax === "window") {
        const top = sumOfViews(logits, x, window.width);
        const factor = 1 / exponentiate(pixel, top);
        for (let c = 0; c < classes; c++) row[at + c] += factor * pixel[c];
        continue;
      }
      for (let view = 0; view < views; view++) {
        const top = logits.look(columnIn(view, x, window.width), view);
        const probabilities = this.#softmax === "view";
        const factor = probabilities ? 1 / views / exponentiate(pixel, top) : 1;
        const to = probabilities ? at : at + view * this.#scale.size.width * classes;
        for (let c = 0; c < classes; c++) row[to + c] += factor * pixel[c];
      }
    }
  }
}

/** Where column x of a window stands in a view of it: the second is mirrored. */
function columnIn(view: number, x: number, width: number): number {
  return view === 0 ? x : width - 1 - x;
}

/** Puts the sum of the views' logits of column x into `logits.pixel`, and gives the largest. */
function sumOfViews(logits: EnlargedRows, x: number, width: number): number {
  const { pixel } = logits;
  const last = logits.views - 1;
  let top = logits.look(columnIn(last, x, width), last);
  if (last === 0) return top;
  const mirrored = pixel.slice();
  top = -Infinity;
  logits.look(x);
  for (let c = 0; c < pixel.length; c++) {
    pixel[c] += mirrored[c];
    top = Math.max(top, pixel[c]);
  }
  return top;
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
