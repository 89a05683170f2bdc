/** In pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** An RGB photograph, interleaved: channel c of pixel (x, y) is `data[(y * width + x) * 3 + c]`, 0..255. */
export interface RgbImage extends Size {
  readonly data: Uint8Array;
}

/** A class id for each pixel, row by row; {@link IGNORE} where there is none. */
export interface LabelMap extends Size {
  readonly data: Uint8Array;
}

/** The label that neither trains nor counts (the official release's `ignore_label`). */
export const IGNORE = 255;
