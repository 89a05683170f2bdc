import type { AverageOptions, ScaledLogits } from "./averagedProbabilities.js";
import { EnlargedRows, type WindowLogits } from "./enlargedRows.js";

/** One pass over an image as one window, at the image's size. */
export type WholeLogits = readonly Pick<ScaledLogits<WindowLogits>, "enlarged" | "windows">[];

export type EnlargeOptions = Omit<AverageOptions, "rules">;

/** Logits `[c, rows, w]` of an image that was looked at as a whole. */
export function enlargedLogits([{ windows, enlarged }]: WholeLogits, options: EnlargeOptions): Float32Array {
  const { size, rows: [begin, end] = [0, size.height], alignCorners } = options;
  const rows = new EnlargedRows(windows[0], { enlarged, alignCorners });
  const plane = (end - begin) * size.width;
  const result = new Float32Array(rows.classes * plane);
  for (let y = begin, i = 0; y < end; y++) {
    rows.goTo(y);
    for (let x = 0; x < size.width; x++, i++) {
      rows.look(x);
      for (let c = 0; c < rows.classes; c++) result[c * plane + i] = rows.pixel[c];
    }
  }
  return result;
}
