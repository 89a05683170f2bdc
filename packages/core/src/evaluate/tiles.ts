/**
 * Which windows of an image, at which sizes, a prediction looks at, by what its protocol says: the one place that does so for validation,
 * prediction, server and browser.
 */
import { roundHalfEven } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { cropSize } from "../image/crop.js";
import type { Size } from "../image/image.js";
import { type AlignedSides, alignedSide } from "../model/logits.js";
import type { Protocol, ProtocolRules } from "../protocols/protocol.js";

export interface ScaledSize extends Size {
  readonly scale: number;
}

/** The part of a protocol that says the sizes. */
export type ScaleOptions = Pick<Protocol, "baseSize" | "scales"> & { readonly rules: Pick<ProtocolRules, "sizes"> };

/** The sizes to which an image is resized: {@link ProtocolRules.sizes}. Of "short", sides are rounded up to where features align. */
export function scaledSizes(
  { height, width }: Size,
  { baseSize, scales, rules }: ScaleOptions,
  aligned: AlignedSides = ANY,
): ScaledSize[] {
  const sides: Sides = { long: Math.max(height, width), short: Math.min(height, width) };
  return scales.map((scale) => {
    if (!(scale > 0)) throw new PspnetError("usage", `scaledSizes: expected scales above 0, found ${scale}`);
    const { long, short } = SIZES[rules.sizes](sides, scale, { baseSize, aligned });
    return height > width ? { scale, height: long, width: short } : { scale, height: short, width: long };
  });
}

const ANY: AlignedSides = { step: 1, offset: 0 };

interface Sides {
  readonly long: number;
  readonly short: number;
}

interface SizeOptions extends Pick<Protocol, "baseSize"> {
  readonly aligned: AlignedSides;
}

type SizeRule = (sides: Sides, scale: number, options: SizeOptions) => Sides;

const SIZES: Readonly<Record<ProtocolRules["sizes"], SizeRule>> = {
  long: (sides, scale, { baseSize }) => {
    const long = atLeast1(roundHalfEven(scale * longOf(baseSize, sides)));
    return { long, short: atLeast1(roundHalfEven((long / sides.long) * sides.short)) };
  },
  // MATLAB computes the ratio in single precision, and rounds halves up.
  "long+1": (sides, scale, { baseSize }) => {
    const long = Math.round(scale * longOf(baseSize, sides)) + 1;
    const short = Math.round(Math.fround(Math.fround(long / sides.long) * sides.short));
    return { long, short: atLeast1(short) };
  },
  fit: (sides, scale, { baseSize }) => {
    const [long, short] = boxOf(baseSize).map((side) => Math.trunc(side * scale));
    const factor = baseSize === null ? scale : Math.min(long / sides.long, short / sides.short);
    const scaled = (side: number) => atLeast1(Math.trunc(side * factor + 0.5));
    return { long: scaled(sides.long), short: scaled(sides.short) };
  },
  short: (sides, scale, { baseSize, aligned }) => {
    const [most, short] = typeof baseSize === "number" ? [Infinity, baseSize] : (baseSize ?? [Infinity, sides.short]);
    const factor = Math.min((short * scale) / sides.short, most / sides.long);
    const scaled = (side: number) => alignedSide(atLeast1(Math.trunc(side * factor)), aligned);
    return { long: scaled(sides.long), short: scaled(sides.short) };
  },
};

function longOf(baseSize: Protocol["baseSize"], { long }: Sides): number {
  return typeof baseSize === "number" ? baseSize : (baseSize?.[0] ?? long);
}

function boxOf(baseSize: Protocol["baseSize"]): readonly [number, number] {
  return typeof baseSize === "number" ? [baseSize, Infinity] : (baseSize ?? [Infinity, Infinity]);
}

function atLeast1(side: number): number {
  return Math.max(1, side);
}

/** Windows over an image that is padded where it is smaller than one. */
export interface WindowGrid {
  /** Pixels of mean colour above the image and to its left; below and to its right there are as many, or one more. */
  readonly padding: { readonly top: number; readonly left: number };
  readonly window: Size;
  /** Upper left corners in the padded image, row by row. */
  readonly windows: readonly { readonly top: number; readonly left: number }[];
}

/** The part of a protocol that says the windows: of size `crop`, or for null one window of the whole image. */
export type WindowOptions = Pick<Protocol, "crop"> & { readonly rules: Pick<ProtocolRules, "padding" | "stride"> };

/** The windows, each wholly inside the padded image: the last of a row or column is shifted back to the border. */
export function windowGrid({ height, width }: Size, { crop, rules }: WindowOptions): WindowGrid {
  const size = crop === null ? { height, width } : cropSize(crop);
  const rows = windowsAlong(height, size.height, rules);
  const columns = windowsAlong(width, size.width, rules);
  return {
    padding: { top: rows.before, left: columns.before },
    window: { height: rows.window, width: columns.window },
    windows: rows.starts.flatMap((top) => columns.starts.map((left) => ({ top, left }))),
  };
}

/** One scale of an evaluation. With flip, each window is also looked at mirrored. */
export interface Pass extends ScaledSize {
  readonly grid: WindowGrid;
}

/** All scales of an evaluation with their windows. */
export function passesOf(size: Size, options: ScaleOptions & WindowOptions, aligned?: AlignedSides): Pass[] {
  return scaledSizes(size, options, aligned).map((scaled) => ({ ...scaled, grid: windowGrid(scaled, options) }));
}

/** Step from window to window as a share of its side. */
const STRIDE_RATE = 2 / 3;

function windowsAlong(size: number, crop: number, { padding, stride }: WindowOptions["rules"]) {
  const window = padding === "none" ? Math.min(crop, size) : crop;
  const length = Math.max(size, window);
  const step = (stride === "up" ? Math.ceil : Math.round)(crop * STRIDE_RATE);
  const count = Math.ceil((length - window) / step) + 1;
  const starts = Array.from({ length: count }, (_, i) => Math.min(i * step, length - window));
  return { window, before: padding === "around" ? Math.floor((length - size) / 2) : 0, starts };
}
