import { availableParallelism } from "node:os";

/** The share of this machine's cores that each of its ranks has. */
export function coresOfRank(ranks: number): number {
  return Math.max(1, Math.floor(availableParallelism() / ranks));
}
