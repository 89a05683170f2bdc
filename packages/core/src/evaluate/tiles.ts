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
  /** Pixels of mean colour around the image, which stands in the middle. */
  readonly padding: { readonly top: number; readonly left: number; readonly bottom: number; readonly right: number };
  /** Size with padding. */
  readonly padded: Size;
  readonly window: Size;
  /** Upper left corners in the padded image, row by row. */
  readonly windows: readonly { readonly top: number; readonly left: number }[];
}

export interface WindowOptions {
  /** Side of the square windows, or their size; null for one window of the whole image. */
  readonly crop: number | Size | null;
  /** Step from window to window as a share of its size, rounded up. */
  readonly strideRate?: number;
}

/** The windows, each wholly inside the padded image: the last of a row or column is shifted back to the border. */
export function windowGrid(size: Size, { crop, strideRate = 2 / 3 }: WindowOptions): WindowGrid {
  if (!(strideRate > 0 && strideRate <= 1)) {
    throw new PspnetError("usage", `windowGrid: expected a strideRate above 0 and up to 1, found ${strideRate}`);
  }
  const window = crop === null ? size : typeof crop === "number" ? { height: crop, width: crop } : crop;
  const rows = windowsAlong(size.height, { window: window.height, strideRate });
  const columns = windowsAlong(size.width, { window: window.width, strideRate });
  return {
    padding: { top: rows.before, left: columns.before, bottom: rows.after, right: columns.after },
    padded: { height: rows.length, width: columns.length },
    window: { height: window.height, width: window.width },
    windows: rows.starts.flatMap((top) => columns.starts.map((left) => ({ top, left }))),
  };
}

export interface PassOptions extends ScaleOptions, WindowOptions {}

/** One scale of an evaluation. With flip, each window is also looked at mirrored. */
export interface Pass extends ScaledSize {
  readonly grid: WindowGrid;
}

/** All scales of an evaluation with their windows. */
export function passesOf(size: Size, options: PassOptions): Pass[] {
  return scaledSizes(size, options).map((scaled) => ({ ...scaled, grid: windowGrid(scaled, options) }));
}

function windowsAlong(size: number, { window, strideRate }: { readonly window: number; readonly strideRate: number }) {
  const padding = Math.max(window - size, 0);
  const before = Math.floor(padding / 2);
  const length = size + padding;
  const stride = Math.ceil(window * strideRate);
  const count = Math.ceil((length - window) / stride) + 1;
  const starts = Array.from({ length: count }, (_, i) => Math.min(i * stride, length - window));
  return { before, after: padding - before, length, starts };
}
