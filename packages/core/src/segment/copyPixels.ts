import { shown } from "../config/problem.js";
import { isRecord } from "../config/record.js";
import { PspnetError } from "../error.js";
import type { RgbImage } from "../image/image.js";

/**
 * A copy of pixels that are given as they are: what becomes of the caller's memory afterwards changes nothing.
 *
 * @param otherwise what else a photograph may be given as, for errors.
 * @throws PspnetError "usage" for what is no photograph, "data" for pixels that are not RGB.
 */
export function copyPixels(source: RgbImage, { otherwise }: { readonly otherwise: string }): RgbImage {
  if (!isRecord(source) || !("data" in source)) {
    const expected = `expected ${otherwise}, or its pixels { width, height, data }`;
    throw new PspnetError("usage", `segment: ${expected}, found ${shown(source)}`);
  }
  const { width, height, data } = source;
  const sized = [width, height].every((side) => Number.isInteger(side) && side > 0);
  const bytes = isBytes(data);
  if (sized && bytes && data.length === 3 * width * height) return { width, height, data: Uint8Array.from(data) };
  const found = bytes ? data.length : shown(data);
  throw new PspnetError(
    "data",
    `image: expected 3 * height * width bytes of RGB, found ${found} for ${height}x${width}; drop the alpha channel if there is one`,
  );
}

function isBytes(data: unknown): data is Uint8Array {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}
