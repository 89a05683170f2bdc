import { z } from "zod";
import { expected } from "../config/inWords.js";

/** The i-th of n shares of things in an order, i from 1: those of indices i - 1, i - 1 + n, i - 1 + 2n... */
export interface Share {
  readonly number: number;
  readonly of: number;
}

/** `i/n` */
export const shareSchema = z
  .string({ error: expected("i/n, such as 1/2") })
  .regex(/^[1-9]\d{0,5}\/[1-9]\d{0,5}$/, { error: expected("i/n, such as 1/2") })
  .transform((text): Share => {
    const [number, of] = text.split("/").map(Number);
    return { number, of };
  })
  .refine(({ number, of }) => number <= of, { error: expected("i/n with i from 1 to n") });

export function shareOf<T>(things: readonly T[], { number, of }: Share): T[] {
  return things.filter((_, i) => i % of === number - 1);
}

/** How many of `length` things are in the share. */
export function shareLength(length: number, { number, of }: Share): number {
  return Math.max(0, Math.ceil((length - number + 1) / of));
}
