import { PspnetError } from "../error.js";
import type { Rgb } from "./classes.js";
import { channelsOf, IGNORE, type Image, type LabelMap, type RgbImage } from "./image.js";

/** An image as a picture of it is shown: its first three channels as red, green and blue, or of one or two the first as grey. */
export function pictureOf(image: Image): RgbImage {
  const { width, height, data } = image;
  const channels = channelsOf(image);
  if (channels === 3) return { width, height, data };
  const shown = channels < 3 ? [0, 0, 0] : [0, 1, 2];
  const picture = new Uint8Array(3 * width * height);
  for (const [to, from] of shown.entries())
    for (let i = 0; i < width * height; i++) picture[3 * i + to] = data[channels * i + from];
  return { width, height, data: picture };
}

/** Each pixel in its class's colour; black where the label has none, {@link IGNORE} for one. */
export function colourise(label: LabelMap, palette: readonly Rgb[]): RgbImage {
  const { width, height } = label;
  const table = colourTable(palette);
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < label.data.length; i++) {
    const from = 3 * label.data[i];
    data[3 * i] = table[from];
    data[3 * i + 1] = table[from + 1];
    data[3 * i + 2] = table[from + 2];
  }
  return { width, height, data };
}

export interface OverlayOptions {
  readonly palette: readonly Rgb[];
  /** Share of the colour, 0 to 1. */
  readonly opacity?: number;
}

/**
 * The image tinted by its classes; as {@link pictureOf} shows it where the label has no colour.
 *
 * @throws PspnetError "data" when the sizes differ.
 */
export function overlay(image: Image, label: LabelMap, { palette, opacity = 0.5 }: OverlayOptions): RgbImage {
  const { width, height } = image;
  if (label.width !== width || label.height !== height) {
    const sizes = `expected a label map of ${height}x${width}, found ${label.height}x${label.width}`;
    throw new PspnetError("data", `overlay: ${sizes}; resize the label map to the image`);
  }
  const table = colourTable(palette);
  const picture = pictureOf(image);
  const data = new Uint8Array(picture.data);
  for (let i = 0; i < label.data.length; i++) {
    const id = label.data[i];
    if (id >= palette.length) continue;
    for (let c = 0; c < 3; c++) {
      const value = picture.data[3 * i + c];
      data[3 * i + c] = Math.round(value + opacity * (table[3 * id + c] - value));
    }
  }
  return { width, height, data };
}

export interface HatchOptions {
  /** Width of a stripe, pixels. */
  readonly stripe?: number;
}

/** The grey of every second stripe. */
export const HATCH: Rgb = [160, 160, 160];

/** The picture with grey stripes, rising to the right, where the label is {@link IGNORE}, so that it looks like no class. */
export function hatchIgnored(image: RgbImage, label: LabelMap, { stripe = 4 }: HatchOptions = {}): RgbImage {
  const { width, height } = image;
  const data = new Uint8Array(image.data);
  for (let i = 0; i < label.data.length; i++) {
    if (label.data[i] !== IGNORE) continue;
    const along = (i % width) + Math.floor(i / width);
    if (Math.floor(along / stripe) % 2 === 1) data.set(HATCH, 3 * i);
  }
  return { width, height, data };
}

export interface ClassArea {
  readonly id: number;
  readonly name: string;
  readonly pixels: number;
  /** Share of the image's pixels, 0 to 1. */
  readonly share: number;
}

/** The classes in the label map, largest first. Labels without a name are left out. */
export function classAreas(label: LabelMap, names: readonly string[]): ClassArea[] {
  const counts = new Float64Array(256);
  for (const id of label.data) counts[id]++;
  return names
    .map((name, id) => ({ id, name, pixels: counts[id], share: counts[id] / label.data.length }))
    .filter(({ pixels }) => pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}

function colourTable(palette: readonly Rgb[]): Uint8Array {
  const table = new Uint8Array(256 * 3);
  for (const [id, colour] of palette.slice(0, 256).entries()) table.set(colour, 3 * id);
  return table;
}
