import type { RgbImage } from "@pspnet/core";
import { toImageData } from "@pspnet/web";

/** A picture to look at. */
export interface Photograph {
  readonly name: string;
  /** As it was given, for those who decode it themselves; null for what never was a file. */
  readonly file: Blob | null;
  /** As it is shown, upright. */
  readonly bitmap: ImageBitmap;
}

/** @throws Error saying what was expected, for a file that the browser cannot decode. */
export async function photographOf(file: File): Promise<Photograph> {
  try {
    return { name: file.name, file, bitmap: await createImageBitmap(file) };
  } catch {
    const expected = "expected a picture that this browser can decode, such as JPEG, PNG, WebP or AVIF";
    throw new Error(`${file.name}: ${expected}; it may be cut off, or of another kind than its name says`);
  }
}

export async function photographOfPixels(name: string, image: RgbImage): Promise<Photograph> {
  return { name, file: null, bitmap: await createImageBitmap(toImageData(image)) };
}

/** The file of a photograph, made where there is none. */
export async function fileOf({ file, bitmap }: Photograph): Promise<Blob> {
  if (file) return file;
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  canvas.getContext("2d")!.drawImage(bitmap, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}
