import { encode } from "fast-png";
import type { Found } from "../segmenters/segmenter.js";
import { paintLabels } from "./paintLabels.js";
import type { Photograph } from "./photograph.js";

export interface OverlayOptions {
  readonly opacity: number;
  readonly only: number | null;
}

/** An index PNG, whose values are the classes and whose palette has their colours: what `pspnet predict` writes. */
export function maskPng({ labels: { width, height, data }, classes }: Found): Blob {
  const palette = classes.palette.map((colour) => [...colour]);
  const bytes = encode({ width, height, data, depth: 8, channels: 1, palette });
  return new Blob([Uint8Array.from(bytes)], { type: "image/png" });
}

/** The photograph under its colours, as they are shown, at its own size. */
export async function overlayPng({ bitmap }: Photograph, found: Found, options: OverlayOptions): Promise<Blob> {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const colours = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d")!;
  const painted = paintLabels(found.labels, bitmap, { palette: found.classes.palette, only: options.only });
  colours.getContext("2d")!.putImageData(painted, 0, 0);
  context.drawImage(bitmap, 0, 0);
  context.globalAlpha = options.opacity;
  context.drawImage(colours, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

/** Hands a file to the user. */
export function save(file: Blob, name: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
