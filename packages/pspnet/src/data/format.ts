import type { ClassList } from "@pspnet/core";
import type { IdMap, IgnoreList } from "./ids.js";
import type { Pair } from "./source.js";

/** Where a dataset is and what its masks mean: `data` of the configuration. */
export interface DataConfig {
  readonly root: string;
  /** The name of a format; "auto": the one whose layout the files have. */
  readonly format: string;
  readonly train: string;
  readonly val: string;
  readonly classes?: string | readonly string[];
  readonly ids?: IdMap;
  readonly ignore?: IgnoreList;
}

/** A way to keep images and masks on disk. */
export interface DatasetFormat {
  readonly name: string;
  /** Where images and masks of a split are, for messages. */
  layout(split: string): string;
  /** Whether a dataset is kept so, of which `split` is wanted. */
  detect(description: DataConfig, split: string): boolean | Promise<boolean>;
  /** @throws PspnetError "data" for a folder or file that cannot be read. */
  open(description: DataConfig, split: string): Promise<Listing>;
}

/** What a format finds in a split, and what its masks mean where the description does not say. */
export interface Listing {
  readonly pairs: readonly Pair[];
  /** A line for each file without a partner, and for each line of a list that cannot be used. */
  readonly problems: readonly string[];
  /** Whether it is all of a dataset that has no splits. */
  readonly undivided?: boolean;
  readonly classes?: ClassList;
  readonly ids?: IdMap;
  readonly ignore?: IgnoreList;
}
