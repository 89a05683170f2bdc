import { shareLength } from "../ranks/share.js";
import type { Dataset } from "./dataset.js";

/** The samples `rank`, `rank + size`, `rank + 2 size`...: a share of the dataset, of which `size` make the whole. */
export function shard(dataset: Dataset, { rank, size }: { readonly rank: number; readonly size: number }): Dataset {
  const length = shareLength(dataset.length, { number: rank + 1, of: size });
  return { ...dataset, length, at: (index) => dataset.at(index * size + rank) };
}
