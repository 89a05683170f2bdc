import { readFile } from "node:fs/promises";
import { type RgbImage, readImage } from "pspnet";
import sharp from "sharp";

/** What EXIF can say of a photograph: where the first row and the first column of the stored pixels belong. */
export const ORIENTATIONS = [1, 2, 3, 4, 5, 6, 7, 8] as const;

type Orientation = (typeof ORIENTATIONS)[number];

/** The stored pixel that stands at `x`, `y` of the upright picture, by EXIF 2.32, section 4.6.5, with `w` and `h` as stored. */
const STORED: Record<Orientation, (x: number, y: number, w: number, h: number) => readonly [number, number]> = {
  1: (x, y) => [x, y],
  2: (x, y, w) => [w - 1 - x, y],
  3: (x, y, w, h) => [w - 1 - x, h - 1 - y],
  4: (x, y, _w, h) => [x, h - 1 - y],
  5: (x, y) => [y, x],
  6: (x, y, _w, h) => [y, h - 1 - x],
  7: (x, y, w, h) => [w - 1 - y, h - 1 - x],
  8: (x, y, w) => [w - 1 - y, x],
};

/** A JPEG of these stored pixels that says how they are to be turned. */
export async function photographed({ width, height, data }: RgbImage, orientation: Orientation): Promise<Uint8Array> {
  const raw = { width, height, channels: 3 } as const;
  return sharp(data, { raw }).withMetadata({ orientation }).jpeg({ quality: 95 }).toBuffer();
}

/** The upright picture of such a file, turned pixel by pixel. */
export async function upright(file: Uint8Array | string, orientation: Orientation): Promise<RgbImage> {
  const stored = await readImage(typeof file === "string" ? await readFile(file) : file);
  const [width, height] = orientation < 5 ? [stored.width, stored.height] : [stored.height, stored.width];
  const data = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [column, row] = STORED[orientation](x, y, stored.width, stored.height);
      const at = 3 * (row * stored.width + column);
      data.set(stored.data.subarray(at, at + 3), 3 * (y * width + x));
    }
  }
  return { width, height, channels: 3, data };
}
