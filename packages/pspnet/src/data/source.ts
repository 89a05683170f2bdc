import type { ClassList } from "@pspnet/core";
import type { ColourTable } from "./ids.js";

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
  /** Of each image. */
  readonly channels: number;
  /** The class of each id that a mask may hold, as {@link idTable} makes it. */
  readonly ids: Uint16Array;
  /** What colours stand for in masks that hold them in place of ids; left out when nothing says. */
  readonly colours?: ColourTable;
  /** A line for each file without a partner, and for each line of a list that cannot be used. */
  readonly problems: readonly string[];
  /** What was found out about the masks and is worth knowing, a line each. */
  readonly notes: readonly string[];
}
