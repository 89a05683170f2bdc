import type { Size } from "./image.js";

/** A part of an image, in pixels: the side of a square, or `[height, width]`. */
export type Crop = number | readonly [height: number, width: number];

export function cropSize(crop: Crop): Size {
  const [height, width] = typeof crop === "number" ? [crop, crop] : crop;
  return { height, width };
}

/** Whether it is a whole number above 0, or two of them. */
export function isCrop(value: unknown): value is Crop {
  const sides = Array.isArray(value) ? value : [value, value];
  return sides.length === 2 && sides.every((side) => Number.isSafeInteger(side) && side > 0);
}

/** `473`, or `361x481`. */
export function cropText(crop: Crop): string {
  return typeof crop === "number" ? String(crop) : crop.join("x");
}
