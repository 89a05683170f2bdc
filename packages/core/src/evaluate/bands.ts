import type { Size } from "../image/image.js";
import { type ImageResize, imageAxis } from "./imageAxis.js";
import type { Pass } from "./tiles.js";

/**
 * Some rows of an image, and the windows that they are made of. Bands follow each other from top to bottom, so that the logits of few
 * windows are held at a time, however large the image.
 */
export interface Band {
  /** From row `begin` to before row `end`. */
  readonly rows: readonly [begin: number, end: number];
  /** For each pass, the numbers of the windows that lie on these rows, in the grid's order. */
  readonly windows: readonly (readonly number[])[];
}

/** The bands of an image: every row is in one, and a band ends where the next rows need another row of windows. */
export function bandsOf({ height }: Size, passes: readonly Pass[], resize: ImageResize): Band[] {
  const ends = new Set([height]);
  const needs = passes.map((pass) => {
    const need = windowsByRow(pass, height, resize);
    for (let y = 1; y < height; y++) if (need.last[y] !== need.last[y - 1]) ends.add(y);
    return need;
  });
  let begin = 0;
  return [...ends]
    .sort((a, b) => a - b)
    .map((end) => {
      const rows = [begin, end] as const;
      begin = end;
      return { rows, windows: needs.map(({ over }) => over(rows)) };
    });
}

/** Which windows the rows of an image need of a pass. */
function windowsByRow({ grid, height: scaled }: Pass, height: number, resize: ImageResize) {
  const { padding, window, windows } = grid;
  const { taps, first, weights } = imageAxis(scaled, height, resize);
  const tops = [...new Set(windows.map(({ top }) => top - padding.top))];
  const lowest = (y: number) => {
    let tap = taps - 1;
    while (weights[y * taps + tap] === 0) tap--;
    return first[y] + tap;
  };
  /** For each row, how many rows of windows begin at or above what it needs. */
  const last = Uint32Array.from({ length: height }, (_, y) => tops.filter((top) => top <= lowest(y)).length);
  const over = ([begin, end]: readonly [number, number]): number[] => {
    const [highest, final] = [first[begin] + padding.top, lowest(end - 1) + padding.top];
    return [...windows.keys()].filter((i) => windows[i].top <= final && windows[i].top + window.height > highest);
  };
  return { last, over };
}
