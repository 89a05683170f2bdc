import { mixSeed, PspnetError } from "@pspnet/core";

export interface SplitOptions {
  readonly seed?: number;
  /** Share that is held out to validate on; one at least, and never all. */
  readonly share?: number;
}

/** The share that is held out where nothing says another. */
const SHARE = 0.2;

/**
 * The share of the training split that `data.val` holds out, of "20%"; null where it names a split.
 *
 * @throws PspnetError "config" for a share that leaves nothing on one side.
 */
export function heldOutShare(val: string): number | null {
  const share = /^(\d+(?:\.\d+)?)%$/.exec(val);
  if (!share) return null;
  const percent = Number(share[1]);
  if (percent > 0 && percent < 100) return percent / 100;
  throw new PspnetError("config", `data.val: expected more than 0% and less than 100%, found ${val}; 20% is usual`);
}

/**
 * Holds some samples out to validate on, where a dataset does not say which. A sample's name and the seed say whether it is one, so
 * that few change places when others are added.
 */
export function holdOut<T>(
  samples: readonly T[],
  nameOf: (sample: T) => string,
  { seed = 0, share = SHARE }: SplitOptions = {},
): { readonly train: readonly T[]; readonly val: readonly T[] } {
  const count = Math.min(Math.max(1, Math.round(share * samples.length)), samples.length - 1);
  const ranked = samples.map((sample) => [rank(nameOf(sample), seed), nameOf(sample), sample] as const);
  ranked.sort(([a, nameA], [b, nameB]) => a - b || (nameA < nameB ? -1 : 1));
  const held = new Set(ranked.slice(0, Math.max(count, 0)).map(([, , sample]) => sample));
  return { train: samples.filter((sample) => !held.has(sample)), val: samples.filter((sample) => held.has(sample)) };
}

function rank(name: string, seed: number): number {
  return mixSeed(seed, ...new TextEncoder().encode(name));
}
