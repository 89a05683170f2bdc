import { type ClassList, IGNORE } from "@pspnet/core";

/** An image and its mask, as paths. */
export interface Pair {
  readonly id: string;
  readonly image: string;
  readonly mask: string;
}

/** A split of a dataset as plain data, so that a worker thread can open the same one. */
export interface DatasetSource {
  readonly pairs: readonly Pair[];
  readonly classes: ClassList;
  /** The class of each id that a mask may hold: 256 entries, {@link IGNORE} for none, {@link UNKNOWN} for an id that must not be. */
  readonly ids: Uint16Array;
  /** A line for each file without a partner, and for each line of a list that cannot be used. */
  readonly problems: readonly string[];
}

/** What a format finds in a split, before classes and ids give it meaning. */
export type Listing = Pick<DatasetSource, "pairs" | "problems">;

/** Marks ids that a mask must not hold. */
export const UNKNOWN = 0xffff;

/** Ids 0 to count - 1 are the classes, 255 is ignored, as is each of `ignored`; no other id may be. */
export function plainIds(count: number, ignored: readonly number[] = []): Uint16Array {
  const ids = new Uint16Array(256).fill(UNKNOWN);
  for (let id = 0; id < count; id++) ids[id] = id;
  for (const id of [IGNORE, ...ignored]) ids[id] = IGNORE;
  return ids;
}
