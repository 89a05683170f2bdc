import type { ClassList, Rgb } from "@pspnet/core";

/** An image and its mask, as paths; null: it has none. */
export interface Pair {
  readonly id: string;
  readonly image: string;
  readonly mask: string | null;
}

/** A split of a dataset as plain data, so that a worker thread can open the same one. */
export interface DatasetSource {
  readonly pairs: readonly Pair[];
  readonly classes: ClassList;
  /** The class of each id that a mask may hold, as {@link idTable} makes it. */
  readonly ids: Uint16Array;
  /** The colours of the classes in masks that hold colours in place of ids; left out when the classes have none of their own. */
  readonly colours?: readonly Rgb[];
  /** A line for each file without a partner, and for each line of a list that cannot be used. */
  readonly problems: readonly string[];
}
