import { type LabelMap, PspnetError } from "@pspnet/core";

/**
 * Run lengths of a COCO mask: column by column, pixels outside and inside by turns, as numbers or in COCO's text of five bits a
 * character, in which each length but the first ones is the difference to the one two before.
 *
 * @throws PspnetError "data" for lengths that are no whole numbers.
 */
export function cocoRunLengths(counts: unknown, what: string): number[] {
  if (Array.isArray(counts) && counts.every((count) => Number.isInteger(count) && count >= 0)) return counts;
  if (typeof counts !== "string")
    throw new PspnetError("data", `${what}: expected run lengths, found ${typeof counts}`);
  const lengths: number[] = [];
  let value = 0;
  let shift = 0;
  for (const character of counts) {
    const bits = character.charCodeAt(0) - 48;
    if (bits < 0 || bits > 63 || shift > 30)
      throw new PspnetError("data", `${what}: expected run lengths, found other text`);
    value |= (bits & 31) << shift;
    shift += 5;
    if (bits & 32) continue;
    if (bits & 16 && shift < 32) value |= -1 << shift;
    const length = lengths.length > 2 ? value + lengths[lengths.length - 2] : value;
    if (length < 0) throw new PspnetError("data", `${what}: expected run lengths, found ${length}`);
    lengths.push(length);
    value = 0;
    shift = 0;
  }
  return lengths;
}

/** Which part of an image run lengths are of, and in what order its pixels stand. */
export interface RunArea {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
  readonly by: "rows" | "columns";
}

/** Gives the pixels of every second run a label; the first run is outside. What lies beside the image is left out. */
export function fillRuns(mask: LabelMap, lengths: readonly number[], area: RunArea, label: number): void {
  const { left, top, width, height, by } = area;
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    const end = Math.min(at + length, width * height);
    for (; i % 2 === 1 && at < end; at++) {
      const [x, y] = by === "rows" ? [at % width, Math.floor(at / width)] : [Math.floor(at / height), at % height];
      const [column, row] = [left + x, top + y];
      if (column >= 0 && column < mask.width && row >= 0 && row < mask.height)
        mask.data[row * mask.width + column] = label;
    }
    at = end;
  }
}
