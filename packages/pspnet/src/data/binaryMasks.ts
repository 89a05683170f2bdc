import { IGNORE } from "@pspnet/core";
import type { IdMap } from "./ids.js";
import { readMask } from "./masks.js";
import { spread } from "./spread.js";

/** Masks that are looked at. */
const LOOKED_AT = 16;

/** What masks of black and white alone mean: their background and the one class. */
export const BINARY_IDS: IdMap = { 0: 0, [IGNORE]: 1 };

/** Whether masks, some from all over them, hold 0 and 255 alone, and both: white is a class there, and not what is ignored. */
export async function areBinary(masks: readonly string[]): Promise<boolean> {
  const found = new Set<number>();
  for (const path of spread(masks, LOOKED_AT)) {
    const mask = await readMask(path).catch(() => null);
    if (mask?.data.some((id) => id !== 0 && id !== IGNORE)) return false;
    for (const id of [0, IGNORE]) if (mask?.data.includes(id)) found.add(id);
  }
  return found.size === 2;
}
