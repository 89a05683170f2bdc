import { shown } from "../config/problem.js";
import { isRecord } from "../config/record.js";
import { PspnetError } from "../error.js";
import type { Image } from "../image/image.js";

/**
 * A copy of pixels that are given as they are: what becomes of the caller's memory afterwards changes nothing.
 *
 * @param options.otherwise what else a photograph may be given as, for errors.
 * @param options.channels that the pixels must have.
 * @throws PspnetError "usage" for what is no photograph, "data" for pixels of other channels.
 */
export function copyPixels(
  source: Image,
  { otherwise, channels }: { readonly otherwise: string; readonly channels: number },
): Image {
  if (!isRecord(source) || !("data" in source)) {
    const expected = `expected ${otherwise}, or its pixels { width, height, data }`;
    throw new PspnetError("usage", `segment: ${expected}, found ${shown(source)}`);
  }
  const { width, height, data } = source;
  const sized = [width, height].every((side) => Number.isInteger(side) && side > 0);
  const bytes = isBytes(data);
  const whole = bytes && data.length === channels * width * height && (source.channels ?? channels) === channels;
  if (sized && whole) return { width, height, channels, data: Uint8Array.from(data) };
  const found = `${bytes ? data.length : shown(data)} for ${height}x${width}`;
  const [of, mend] =
    channels === 3
      ? [" of RGB", "drop the alpha channel if there is one"]
      : ["", `the network's input.mean has ${channels} numbers, one a channel`];
  throw new PspnetError("data", `image: expected ${channels} * height * width bytes${of}, found ${found}; ${mend}`);
}

function isBytes(data: unknown): data is Uint8Array {
  return data instanceof Uint8Array || data instanceof Uint8ClampedArray;
}
