/** In pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** Interleaved: channel c of pixel (x, y) is `data[(y * width + x) * channels + c]`, 0..255. */
export interface Image extends Size {
  /** Three when it is left out: {@link RgbImage}. */
  readonly channels?: number;
  readonly data: Uint8Array;
}

/** A photograph: red, green and blue. */
export interface RgbImage extends Image {
  readonly channels?: 3;
}

export function channelsOf({ channels = 3 }: Image): number {
  return channels;
}

/** A class id for each pixel, row by row; {@link IGNORE} where there is none. */
export interface LabelMap extends Size {
  readonly data: Uint8Array;
}

/** The label that neither trains nor counts (the official release's `ignore_label`). */
export const IGNORE = 255;
