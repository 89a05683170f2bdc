import { readFile } from "node:fs/promises";
import { PspnetError, type RgbImage, type Size } from "@pspnet/core";
import sharp from "sharp";

/** Decoded pixels that an image may have: more is a decompression bomb, or wants tiles first. */
const MAX_PIXELS = 268_402_689;

export interface ReadImageOptions {
  /** Turns the photograph as its EXIF says. Off by default: labels are drawn on the pixels as they are stored. */
  readonly orient?: boolean;
  /** More are refused before they are decoded. */
  readonly maxPixels?: number;
}

/**
 * Decodes JPEG, PNG, WebP, AVIF, TIFF or GIF to 8-bit RGB. Colour profiles are ignored, as the training code of the field
 * does; grey becomes RGB, transparency is dropped.
 *
 * @throws PspnetError "data" naming the file and what is wrong with it.
 */
export async function readImage(
  source: string | Uint8Array,
  { orient = false, maxPixels = MAX_PIXELS }: ReadImageOptions = {},
): Promise<RgbImage> {
  try {
    const bytes = typeof source === "string" ? await readFile(source) : source;
    let pipeline = sharp(bytes, { ignoreIcc: true, limitInputPixels: maxPixels, failOn: "truncated" });
    if (orient) pipeline = pipeline.autoOrient();
    const { data, info } = await pipeline
      .removeAlpha()
      .toColourspace("srgb")
      .raw({ depth: "uchar" })
      .toBuffer({ resolveWithObject: true });
    return {
      width: info.width,
      height: info.height,
      data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    };
  } catch (cause) {
    throw new PspnetError("data", `${nameOf(source)}: expected a photograph that can be decoded: ${reason(cause)}`, {
      cause,
    });
  }
}

/**
 * Width and height of an image as it is stored, whatever they are: nothing is decoded.
 *
 * @throws PspnetError "data" for what is none.
 */
export async function sizeOf(source: string | Uint8Array): Promise<Size> {
  try {
    const { width, height } = await sharp(source, { limitInputPixels: false }).metadata();
    return { width, height };
  } catch (cause) {
    throw new PspnetError("data", `${nameOf(source)}: expected an image: ${reason(cause)}`, { cause });
  }
}

/** Whether EXIF turns a photograph by a quarter, so that its upright sides are the stored ones swapped. */
export async function liesOnItsSide(path: string): Promise<boolean> {
  const { orientation = 1 } = await sharp(path).metadata();
  return orientation >= 5;
}

function nameOf(source: string | Uint8Array): string {
  return typeof source === "string" ? source : "image";
}

function reason(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException;
  if (code === "ENOENT") return "no such file";
  return (message ?? String(cause)).split("\n")[0];
}
