/** The i-th of n shares of things in an order, i from 1: those of indices i - 1, i - 1 + n, i - 1 + 2n... */
export interface Share {
  readonly number: number;
  readonly of: number;
}

/** A larger n is no share of anything, but a slip. */
export const MOST_SHARES = 999_999;

/** What a text should be, that it is not, to say a share as `i/n`; null where it does. */
export function notAShare(text: string): string | null {
  if (!/^[1-9]\d{0,5}\/[1-9]\d{0,5}$/.test(text)) return "i/n, such as 1/2";
  const { number, of } = parseShare(text);
  return number <= of ? null : "i/n with i from 1 to n";
}

/** The share that a text says, see {@link notAShare}. */
export function parseShare(text: string): Share {
  const [number, of] = text.split("/").map(Number);
  return { number, of };
}

export function shareOf<T>(things: readonly T[], { number, of }: Share): T[] {
  return things.filter((_, i) => i % of === number - 1);
}

/** How many of `length` things are in the share. */
export function shareLength(length: number, { number, of }: Share): number {
  return Math.max(0, Math.ceil((length - number + 1) / of));
}

/** The things of which these are all shares, in their order. */
export function joinShares<T>(shares: readonly (readonly T[])[]): T[] {
  const length = shares.reduce((sum, share) => sum + share.length, 0);
  return Array.from({ length }, (_, i) => shares[i % shares.length][Math.floor(i / shares.length)]);
}
