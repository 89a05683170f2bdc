import type { AverageOptions, ScaledLogits } from "./averagedProbabilities.js";
import { EnlargedRows, type WindowLogits } from "./enlargedRows.js";

/** One pass over an image as one window, at the image's size. */
export type WholeLogits = readonly Pick<ScaledLogits<WindowLogits>, "enlarged" | "windows">[];

type EnlargeOptions = Omit<AverageOptions, "rules">;

/** Logits `[c, rows, w]` of an image that was looked at as a whole. */
export function enlargedLogits(whole: WholeLogits, options: EnlargeOptions): Float32Array {
  const [, classes] = whole[0].windows[0].shape;
  const { size, rows: [begin, end] = [0, size.height] } = options;
  const plane = (end - begin) * size.width;
  const result = new Float32Array(classes * plane);
  forEachPixel(whole, options, ({ pixel }, i) => {
    for (let c = 0; c < classes; c++) result[c * plane + i] = pixel[c];
  });
  return result;
}

/** The class of the largest of {@link enlargedLogits} of each pixel, the first of equals: `[rows, w]`. */
export function enlargedLabels(whole: WholeLogits, options: EnlargeOptions): Uint8Array {
  const { size, rows: [begin, end] = [0, size.height] } = options;
  const result = new Uint8Array((end - begin) * size.width);
  forEachPixel(whole, options, ({ pixel }, i, top) => {
    result[i] = pixel.indexOf(top);
  });
  return result;
}

function forEachPixel(
  [{ windows, enlarged }]: WholeLogits,
  { size, rows: [begin, end] = [0, size.height], alignCorners }: EnlargeOptions,
  visit: (rows: EnlargedRows, i: number, top: number) => void,
): void {
  const rows = new EnlargedRows(windows[0], { enlarged, alignCorners });
  for (let y = begin, i = 0; y < end; y++) {
    rows.goTo(y);
    for (let x = 0; x < size.width; x++) visit(rows, i++, rows.look(x));
  }
}
