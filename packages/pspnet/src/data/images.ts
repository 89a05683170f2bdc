import { readFile } from "node:fs/promises";
import { type Image, PspnetError, type Size } from "@pspnet/core";
import sharp, { type Sharp } from "sharp";
import { counted } from "../report/counted.js";

/** Decoded pixels that an image may have: more is a decompression bomb, or wants tiles first. */
const MAX_PIXELS = 268_402_689;

export interface ReadImageOptions<Channels extends number = number> {
  /** Of the image; three when it is left out. */
  readonly channels?: Channels;
  /** Turns the photograph as its EXIF says. Off by default: labels are drawn on the pixels as they are stored. */
  readonly orient?: boolean;
  /** More are refused before they are decoded. */
  readonly maxPixels?: number;
}

/**
 * Decodes JPEG, PNG, WebP, AVIF, TIFF or GIF to 8 bits a channel. Colour profiles are ignored, as the training code of the field does.
 * Of three channels, RGB, grey becomes RGB and transparency is dropped; other numbers of channels are those of the file, as they are.
 *
 * @throws PspnetError "data" naming the file and what is wrong with it, such as another number of channels.
 */
export async function readImage<Channels extends number = 3>(
  source: string | Uint8Array,
  { orient = false, maxPixels = MAX_PIXELS, channels = 3 as Channels }: ReadImageOptions<Channels> = {},
): Promise<Image & { readonly channels: Channels }> {
  const name = nameOf(source);
  const found = await decode(source, { orient, maxPixels, plain: channels === 3 }).catch((cause) => {
    throw new PspnetError("data", `${name}: expected a photograph that can be decoded: ${reason(cause)}`, { cause });
  });
  if (found.channels === channels) return { ...found, channels };
  const expected = `expected ${counted(channels, "channel")}, one for each number of model.input.mean`;
  const mend = "take such images, or give model.input.mean and model.input.std a number for each channel";
  throw new PspnetError("data", `${name}: ${expected}, found ${found.channels}; ${mend}`);
}

interface Decoded extends Size {
  readonly channels: number;
  readonly data: Uint8Array;
}

interface DecodeOptions {
  readonly orient: boolean;
  readonly maxPixels: number;
  /** Whether red, green and blue are all that is wanted. */
  readonly plain: boolean;
}

async function decode(source: string | Uint8Array, { orient, maxPixels, plain }: DecodeOptions): Promise<Decoded> {
  const bytes = typeof source === "string" ? await readFile(source) : source;
  const file = sharp(bytes, { ignoreIcc: true, limitInputPixels: maxPixels, failOn: "truncated" });
  const upright = orient ? file.autoOrient() : file;
  if (plain) return inColour(upright.removeAlpha());
  const { channels } = await file.metadata();
  const found = await inColour(upright);
  return found.channels === channels + 2 ? oneGrey(found) : found;
}

/** Red, green and blue, and what else there is. */
async function inColour(pipeline: Sharp): Promise<Decoded> {
  const { data, info } = await pipeline
    .toColourspace("srgb")
    .raw({ depth: "uchar" })
    .toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  return { width, height, channels, data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
}

/** Where grey has become three equal channels, the first of them and what else there is. */
function oneGrey({ width, height, channels: of, data }: Decoded): Decoded {
  const channels = of - 2;
  const kept = new Uint8Array(channels * width * height);
  for (let i = 0; i < width * height; i++) {
    kept[channels * i] = data[of * i];
    for (let c = 1; c < channels; c++) kept[channels * i + c] = data[of * i + c + 2];
  }
  return { width, height, channels, data: kept };
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
