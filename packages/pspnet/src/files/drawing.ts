import type { RgbImage } from "@pspnet/core";
import sharp, { type Sharp } from "sharp";

// Apart from png.ts, whose types users see: sharp's ask them for @types/node.

/** In full colour: to choose a palette for a chart takes three to six times as long, and halves a small file. */
export function drawingToPng(drawing: Sharp): Promise<Uint8Array> {
  return drawing.png({ compressionLevel: 6 }).toBuffer();
}

/** Pixels for sharp to work on. */
export function fromPixels({ width, height, data }: RgbImage): Sharp {
  return sharp(data, { raw: { width, height, channels: 3 } });
}
