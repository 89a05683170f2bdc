import { PspnetError } from "../error.js";
import type { Size } from "../image/image.js";

/** Windows of this size fit into any machine that the weights fit into. */
const SMALL_CROP = 473;

export interface MemoryNeed {
  /** That is to be looked at as a whole. */
  readonly image: Size;
  /** Bytes. */
  readonly need: number;
  readonly available: number;
}

/** Bytes of `count` maps of logits at the image's size, float32. */
export function mapsOfLogits(count: number, { classes, height, width }: Size & { readonly classes: number }): number {
  return 4 * count * classes * height * width;
}

/**
 * Refuses an image that would not fit into memory as a whole: the system would end the process, and others with it.
 *
 * @throws PspnetError "usage" saying what it needs and how to look at it in windows.
 */
export function requireMemory({ image: { width, height }, need, available }: MemoryNeed): void {
  if (need <= available) return;
  const GB = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;
  throw new PspnetError(
    "usage",
    `image: ${height}x${width} as a whole needs about ${GB(need)} of memory, ${GB(available)} are free; ` +
      `look at it in windows with crop=${SMALL_CROP} (--crop ${SMALL_CROP}), or make it smaller`,
  );
}
