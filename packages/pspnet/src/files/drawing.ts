import type { RgbImage } from "@pspnet/core";
import sharp, { type Sharp } from "sharp";

// Apart from png.ts, whose types users see: sharp's ask them for @types/node.

/** @param options.palette At most 256 colours, the nearest: a chart needs no more. */
export function drawingToPng(
  drawing: Sharp,
  { palette = false }: { readonly palette?: boolean } = {},
): Promise<Uint8Array> {
  return drawing.png({ compressionLevel: 6, palette }).toBuffer();
}

/** Pixels for sharp to work on. */
export function fromPixels({ width, height, data }: RgbImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
