import type { Size } from "../image/image.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PSPNetConfig } from "./config.js";

export interface Logits<T extends Tensor> {
  /** `[n, classes, h/8, w/8]`; a head that enlarges gives more. */
  readonly out: T;
  /** The auxiliary head's, of places or of the whole image, `[n, classes]`; null in evaluation, and for a network without one. */
  readonly aux: T | null;
}

type Alignment = Pick<PSPNetConfig, "backbone" | "upsampling">;

/** Sides of `step * n + offset` are those at which the enlarged logits lie where the image does. */
export interface AlignedSides {
  readonly step: number;
  readonly offset: 0 | 1;
}

/**
 * With aligned corners the last feature must stand on the last pixel, so the step is the output stride, and 1 is added, as the
 * official release asserts. Others want each feature to stand for as many pixels, or take any side.
 */
export function alignedSides({ backbone: { outputStride }, upsampling }: Alignment): AlignedSides {
  if (upsampling.sizes === "any") return { step: 1, offset: 0 };
  return { step: outputStride, offset: upsampling.sizes === "8n+1" ? 1 : 0 };
}

/** The smallest such size from `size` up: pad an image of another size with the mean colour on its right and bottom. */
export function alignedSize({ height, width }: Size, config: Alignment): Size {
  const sides = alignedSides(config);
  return { height: alignedSide(height, sides), width: alignedSide(width, sides) };
}

/** The smallest such side from `side` up. */
export function alignedSide(side: number, { step, offset }: AlignedSides): number {
  return Math.ceil((side - offset) / step) * step + offset;
}

/** {@link alignedSides}, and for a network that takes any side those at which nothing is left over when it shrinks them. */
export function wholeSides(config: Alignment): AlignedSides {
  return { step: config.backbone.outputStride, offset: alignedSides(config).offset };
}

/** Logits at the image's resolution, `[n, classes, h, w]`, `size` = `[h, w]`. */
export function upsampleLogits<T extends Tensor>(
  logits: T,
  size: readonly [number, number],
  { upsampling: { alignCorners } }: Pick<PSPNetConfig, "upsampling">,
): T {
  return logits.resize(size, { alignCorners });
}
