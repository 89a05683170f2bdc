import type { Size } from "../image/image.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PSPNetConfig } from "./config.js";

export interface Logits<T extends Tensor> {
  /** `[n, classes, h/8, w/8]` */
  readonly out: T;
  /** The auxiliary head's, of the same shape; null in evaluation, and for a network without one. */
  readonly aux: T | null;
}

type Alignment = Pick<PSPNetConfig, "backbone" | "upsampling">;

/**
 * At sides of `step * n + 1` the enlarged logits lie where the image does. With aligned corners the last feature must stand on
 * the last pixel, so the step is the output stride, as the official release asserts. Without, any side will do.
 */
export function alignedStep({ backbone: { outputStride }, upsampling }: Alignment): number {
  return upsampling.alignCorners ? outputStride : 1;
}

/** The smallest such size from `size` up: pad an image of another size with the mean colour on its right and bottom. */
export function alignedSize({ height, width }: Size, config: Alignment): Size {
  const step = alignedStep(config);
  const align = (side: number) => Math.ceil((side - 1) / step) * step + 1;
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
