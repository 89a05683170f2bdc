/** How every PNG is written. */
import type { LabelMap, Rgb, RgbImage } from "@pspnet/core";
import { encode } from "fast-png";
import sharp from "sharp";
import { drawingToPng, fromPixels } from "./drawing.js";

export function encodePng(image: RgbImage): Promise<Uint8Array> {
  return drawingToPng(fromPixels(image));
}

/** An index PNG with the classes' colours as its palette, so that viewers show them; black where a label has none. */
export function encodeMask({ width, height, data }: LabelMap, palette: readonly Rgb[]): Uint8Array {
  const highest = data.reduce((max, id) => Math.max(max, id), palette.length - 1);
  const colours = Array.from({ length: highest + 1 }, (_, id) => [...(palette[id] ?? [0, 0, 0])]);
  return encode({ width, height, data, depth: 8, channels: 1, palette: colours });
}

/** A grey PNG whose values are the ids. */
export function encodeIds({ width, height, data }: LabelMap): Uint8Array {
  return encode({ width, height, data, depth: 8, channels: 1 });
}

/** Draws an SVG on white, `scale` pixels for each of its own. */
export function svgToPng(svg: string, { scale = 1.5 }: { readonly scale?: number } = {}): Promise<Uint8Array> {
  const drawing = sharp(Buffer.from(svg), { density: 72 * scale, unlimited: true }).flatten({ background: "#ffffff" });
  return drawingToPng(drawing);
}
