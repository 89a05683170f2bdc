import { shown } from "../config/problem.js";
import { PspnetError } from "../error.js";
import type { LabelMap, Size } from "./image.js";

/** A label map as text holds it: id and number of pixels by turns, row by row from the top left. */
export function labelRuns({ data }: LabelMap): number[] {
  const runs: number[] = [];
  for (let start = 0; start < data.length; ) {
    const id = data[start];
    let end = start + 1;
    while (end < data.length && data[end] === id) end++;
    runs.push(id, end - start);
    start = end;
  }
  return runs;
}

/**
 * Reads back what {@link labelRuns} made.
 *
 * @throws PspnetError "data" for runs that are no ids and numbers of pixels, or do not fill the image.
 */
export function labelsOfRuns(runs: readonly number[], { width, height }: Size): LabelMap {
  const data = new Uint8Array(width * height);
  let at = 0;
  for (let i = 0; i < runs.length; i += 2) {
    const [id, count] = [runs[i], runs[i + 1]];
    const holds = Number.isInteger(id) && id >= 0 && id <= 255 && Number.isInteger(count) && count > 0;
    if (!holds || at + count > data.length) {
      const found = `${shown(id)}, ${shown(count)} at ${at} of ${data.length} pixels`;
      throw new PspnetError(
        "data",
        `label runs: expected an id from 0 to 255 and its number of pixels, found ${found}`,
      );
    }
    data.fill(id, at, at + count);
    at += count;
  }
  if (at === data.length) return { width, height, data };
  throw new PspnetError("data", `label runs: expected ${data.length} pixels for ${height}x${width}, found ${at}`);
}
