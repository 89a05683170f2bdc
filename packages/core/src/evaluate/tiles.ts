/**
 * Which windows of an image, at which scales, a prediction looks at: the official release's `tool/test.py`, and the one
 * place that says so for validation, prediction, server and browser.
 */
import { roundHalfEven } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import type { Size } from "../image/image.js";

export interface ScaledSize extends Size {
  readonly scale: number;
}

export interface ScaleOptions {
  /** Long side at scale 1 (512 for ADE20K and VOC, 2048 for Cityscapes); null for the image's own. */
  readonly baseSize: number | null;
  readonly scales: readonly number[];
}

/** The sizes to which an image is resized: long side = round(scale * baseSize), sides in proportion. */
export function scaledSizes({ height, width }: Size, { baseSize, scales }: ScaleOptions): ScaledSize[] {
  const longSide = Math.max(height, width);
  return scales.map((scale) => {
    if (!(scale > 0)) throw new PspnetError("usage", `scaledSizes: expected scales above 0, found ${scale}`);
    const long = Math.max(1, roundHalfEven(scale * (baseSize ?? longSide)));
    const short = Math.max(1, roundHalfEven((long / longSide) * Math.min(height, width)));
    return height > width ? { scale, height: long, width: short } : { scale, height: short, width: long };
  });
}

/** Windows over an image that is padded where it is smaller than one. */
export interface WindowGrid {
  /** Pixels of mean colour above the image and to its left; below and to its right there are as many, or one more. */
  readonly padding: { readonly top: number; readonly left: number };
  readonly window: Size;
  /** Upper left corners in the padded image, row by row. */
  readonly windows: readonly { readonly top: number; readonly left: number }[];
}

export interface WindowOptions {
  /** Side of the square windows; null for one window of the whole image. */
  readonly crop: number | null;
}

/** The windows, each wholly inside the padded image: the last of a row or column is shifted back to the border. */
export function windowGrid({ height, width }: Size, { crop }: WindowOptions): WindowGrid {
  const window = crop === null ? { height, width } : { height: crop, width: crop };
  const [rows, columns] = [windowsAlong(height, window.height), windowsAlong(width, window.width)];
  return {
    padding: { top: rows.before, left: columns.before },
    window,
    windows: rows.starts.flatMap((top) => columns.starts.map((left) => ({ top, left }))),
  };
}

/** One scale of an evaluation. With flip, each window is also looked at mirrored. */
export interface Pass extends ScaledSize {
  readonly grid: WindowGrid;
}

/** All scales of an evaluation with their windows. */
export function passesOf(size: Size, options: ScaleOptions & WindowOptions): Pass[] {
  return scaledSizes(size, options).map((scaled) => ({ ...scaled, grid: windowGrid(scaled, options) }));
}

/** Step from window to window as a share of its side, rounded up. */
const STRIDE_RATE = 2 / 3;

function windowsAlong(size: number, window: number) {
  const length = Math.max(size, window);
  const stride = Math.ceil(window * STRIDE_RATE);
  const count = Math.ceil((length - window) / stride) + 1;
  const starts = Array.from({ length: count }, (_, i) => Math.min(i * stride, length - window));
  return { before: Math.floor((length - size) / 2), starts };
}
