import type { LabelMap, Rgb, Size } from "@pspnet/core";

export interface PaintOptions {
  readonly palette: readonly Rgb[];
  /** The class that alone has its colour; null: all have theirs. */
  readonly only: number | null;
}

/** What hides the rest when one class is looked at: red, green, blue, alpha. */
const VEIL = [18, 20, 24, 225] as const;

/** The colours of labels at another size, each pixel the nearest label's, to be laid over the photograph. Clear where there is no class. */
export function paintLabels(labels: LabelMap, { width, height }: Size, options: PaintOptions): ImageData {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer);
  const colours = colourTable(options);
  const columns = Uint32Array.from({ length: width }, (_, x) => nearest(x, width, labels.width));
  for (let y = 0, at = 0; y < height; y++) {
    const row = nearest(y, height, labels.height) * labels.width;
    for (let x = 0; x < width; x++) pixels[at++] = colours[labels.data[row + columns[x]]];
  }
  return image;
}

/** The pixel of `from` that lies under the middle of the i-th of `to`. */
export function nearest(i: number, to: number, from: number): number {
  return Math.min(from - 1, Math.floor(((i + 0.5) / to) * from));
}

/** RGBA of each label, in one number as canvases have it. */
function colourTable({ palette, only }: PaintOptions): Uint32Array {
  const bytes = new Uint8Array(4 * 256);
  for (const [id, colour] of palette.entries())
    bytes.set(only === null || only === id ? [...colour, 255] : VEIL, 4 * id);
  return new Uint32Array(bytes.buffer);
}
