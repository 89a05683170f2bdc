import type { Size } from "../image/image.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PSPNetConfig } from "./config.js";

export interface Logits<T extends Tensor> {
  /** `[n, classes, h/8, w/8]` */
  readonly out: T;
  /** The auxiliary head's, of the same shape; null in evaluation, and for a network without one. */
  readonly aux: T | null;
}

/**
 * The smallest size, from `size` up, at which the enlarged logits lie where the image does. With aligned corners the
 * last feature must stand on the last pixel, so both sides are `outputStride * n + 1`, as the official release asserts; pad
 * an image of another size on its right and bottom. Without, any size will do.
 */
export function alignedSize(
  { height, width }: Size,
  { backbone: { outputStride }, upsampling }: Pick<PSPNetConfig, "backbone" | "upsampling">,
): Size {
  if (!upsampling.alignCorners) return { height, width };
  const align = (side: number) => Math.ceil((side - 1) / outputStride) * outputStride + 1;
  return { height: align(height), width: align(width) };
}

/** Logits at the image's resolution, `[n, classes, h, w]`, `size` = `[h, w]`. */
export function upsampleLogits<T extends Tensor>(
  logits: T,
  size: readonly [number, number],
  { upsampling: { alignCorners } }: Pick<PSPNetConfig, "upsampling">,
): T {
  return logits.resize(size, { alignCorners });
}
