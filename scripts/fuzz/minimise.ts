import type { Input } from "./input.js";

export interface MinimiseOptions {
  /** Inputs tried at most. */
  readonly tries: number;
}

/** A smaller input that still fails: without pieces that it fails without, halves first. */
export async function minimised(
  input: Input,
  stillFails: (smaller: Input) => Promise<boolean>,
  { tries }: MinimiseOptions,
): Promise<Input> {
  let best = input;
  let left = tries;
  for (const place of input.keys()) {
    for (let size = Math.ceil(input[place].bytes.length / 2); size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < best[place].bytes.length && left > 0; left--) {
        const { name, bytes } = best[place];
        const without = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + size)]);
        const smaller = best.with(place, { name, bytes: new Uint8Array(without) });
        if (await stillFails(smaller)) best = smaller;
        else at += size;
      }
    }
  }
  return best;
}
