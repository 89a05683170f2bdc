import { permutation, random } from "@pspnet/core";

// Tags keep the generators of the subset, of the order and of the samples apart.
const SUBSET = 0x5b5e7;
const ORDER = 0x0de4;

/** Which samples one epoch visits, and in what order. */
export interface EpochOptions {
  /** Samples in the dataset. */
  readonly length: number;
  readonly seed: number;
  readonly epoch: number;
  /** Share of the dataset that is used at all, the same samples in every epoch: in (0, 1]. */
  readonly fraction?: number;
  /** This process of `worldSize`; each gets its own, equally many samples, as torch's DistributedSampler with drop_last. */
  readonly rank?: number;
  readonly worldSize?: number;
}

/** Samples that one process visits in an epoch. */
export function epochLength({
  length,
  fraction = 1,
  worldSize = 1,
}: Pick<EpochOptions, "length" | "fraction" | "worldSize">): number {
  return Math.floor(subsetLength(length, fraction) / worldSize);
}

/** Indices of the dataset in the order of one epoch: a permutation that (seed, epoch) names. */
export function epochOrder(options: EpochOptions): Uint32Array {
  const { length, seed, epoch, fraction = 1, rank = 0, worldSize = 1 } = options;
  const used = subsetLength(length, fraction);
  const subset = used < length ? permutation(length, random(seed, SUBSET)).subarray(0, used) : null;
  const order = permutation(used, random(seed, ORDER, epoch));
  return Uint32Array.from({ length: epochLength(options) }, (_, i) => {
    const position = order[i * worldSize + rank];
    return subset ? subset[position] : position;
  });
}

function subsetLength(length: number, fraction: number): number {
  return fraction === 1 ? length : Math.min(length, Math.max(1, Math.round(length * fraction)));
}
