import type { RgbImage } from "@pspnet/core";

/** The picture that `scripts/golden/narrow.py` makes. */
export function softPhoto(height: number, width: number): RgbImage {
  const data = new Uint8Array(3 * height * width);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++)
        data[3 * (y * width + x) + c] = Math.floor((x * x) / (3 + c)) + y * (5 + 2 * c) + 40 * c;
  return { width, height, data };
}
