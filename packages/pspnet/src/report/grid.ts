import type { RgbImage } from "@pspnet/core";

export interface GridOptions {
  readonly columns: number;
  /** White pixels between the pictures. */
  readonly gap: number;
}

const WHITE = 255;

/** Pictures in rows of `columns`, each in the upper left corner of a cell of the largest one's size. */
export function grid(images: readonly RgbImage[], { columns, gap }: GridOptions): RgbImage {
  const cell = {
    width: images.reduce((most, { width }) => Math.max(most, width), 1),
    height: images.reduce((most, { height }) => Math.max(most, height), 1),
  };
  const across = Math.max(1, Math.min(columns, images.length));
  const down = Math.max(1, Math.ceil(images.length / across));
  const width = across * cell.width + (across - 1) * gap;
  const height = down * cell.height + (down - 1) * gap;
  const data = new Uint8Array(width * height * 3).fill(WHITE);
  for (const [i, image] of images.entries()) {
    const left = (i % across) * (cell.width + gap);
    const top = Math.floor(i / across) * (cell.height + gap);
    for (let y = 0; y < image.height; y++) {
      const row = image.data.subarray(y * image.width * 3, (y + 1) * image.width * 3);
      data.set(row, ((top + y) * width + left) * 3);
    }
  }
  return { width, height, data };
}

/** The picture shrunk to `height` when it is higher. */
export function shrinkTo(height: number, image: RgbImage): RgbImage {
  return image.height <= height ? image : scaleTo(height, image);
}

/** The picture at that height: the pixel in the middle of each new one. */
export function scaleTo(height: number, image: RgbImage): RgbImage {
  const scale = image.height / height;
  const width = Math.max(1, Math.round(image.width / scale));
  const data = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = Math.floor((y + 0.5) * scale) * image.width;
    for (let x = 0; x < width; x++) {
      const from = 3 * (row + Math.min(image.width - 1, Math.floor((x + 0.5) * scale)));
      data.set(image.data.subarray(from, from + 3), 3 * (y * width + x));
    }
  }
  return { width, height, data };
}
