import { type Image as Pixels, PspnetError, type RgbImage } from "@pspnet/core";
import { copyPixels } from "@pspnet/core/segment";
import { fetched } from "../weights/fetched.js";
import { withoutAlpha } from "./withoutAlpha.js";

/**
 * A photograph as pages have it: its file or the bytes of that, its address, an element that shows it (of a video the frame that it
 * shows), a picture in memory, or pixels of the channels that the network wants, taken as they are.
 */
export type Photograph =
  | Blob
  | Uint8Array
  | string
  | URL
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | VideoFrame
  | ImageData
  | Pixels;

const OTHERWISE =
  "an address, a file (Blob) or its bytes (Uint8Array), an image, video or canvas element, an ImageBitmap, VideoFrame or ImageData";

/** Rows that are read back from a canvas at once: phones refuse canvases of large photographs. */
const BAND = 256;

/** Pixels as training code reads them: colour profiles are not applied, transparency is dropped. */
const AS_STORED: ImageBitmapOptions = { colorSpaceConversion: "none", premultiplyAlpha: "none" };

/**
 * The RGB pixels of a photograph, turned upright as its EXIF says. When it returns, what may change has been copied.
 *
 * @param channels that the network wants: for other numbers than three pixels alone will do, as browsers decode photographs.
 * @throws PspnetError "data" for what cannot be decoded or read, "usage" for what is no photograph.
 */
export async function decode(photograph: Photograph, channels: number): Promise<Pixels> {
  if (isPixels(photograph)) return copyPixels(photograph, { otherwise: OTHERWISE, channels });
  if (channels === 3) return decodeRgb(photograph);
  const expected = `expected pixels { width, height, data } of ${channels} channels, as the network's input.mean has numbers`;
  throw new PspnetError(
    "data",
    `image: ${expected}, found a photograph, of which browsers give red, green and blue alone`,
  );
}

async function decodeRgb(photograph: Exclude<Photograph, Pixels>): Promise<RgbImage> {
  if (isImageData(photograph)) return fromImageData(photograph);
  if (typeof photograph === "string" || photograph instanceof URL) return decodeRgb(await fetchImage(photograph));
  if (photograph instanceof Uint8Array) return decodeRgb(new Blob([Uint8Array.from(photograph)]));
  let bitmap: ImageBitmap;
  try {
    bitmap = await createImageBitmap(photograph, AS_STORED);
  } catch (cause) {
    const what = photograph instanceof Blob ? "that the browser can decode" : "that is loaded and shows something";
    throw new PspnetError("data", `image: expected a photograph ${what}: ${(cause as Error).message}`, { cause });
  }
  try {
    return fromBitmap(bitmap);
  } finally {
    bitmap.close();
  }
}

async function fetchImage(address: string | URL): Promise<Blob> {
  return (await fetched(address, "a photograph")).blob();
}

const DECODED = [
  "ImageData",
  "Blob",
  "ImageBitmap",
  "HTMLImageElement",
  "HTMLCanvasElement",
  "OffscreenCanvas",
  "HTMLVideoElement",
  "VideoFrame",
];

/** Whether there is nothing to decode, or something that is no photograph at all. */
function isPixels(photograph: Photograph): photograph is Pixels {
  if (typeof photograph === "string" || photograph instanceof URL || photograph instanceof Uint8Array) return false;
  return !DECODED.some((name) => isA(name, photograph));
}

function isImageData(photograph: Photograph): photograph is ImageData {
  return isA("ImageData", photograph);
}

/** Whether a value is of a class that not every browser, and no worker, has all of. */
function isA(name: string, value: unknown): boolean {
  const type = (globalThis as Record<string, unknown>)[name];
  return typeof type === "function" && value instanceof type;
}

function fromImageData({ width, height, data }: ImageData): RgbImage {
  const rgb = new Uint8Array(3 * width * height);
  withoutAlpha(data, rgb);
  return { width, height, data: rgb };
}

function fromBitmap(bitmap: ImageBitmap): RgbImage {
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, Math.min(BAND, height));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  const data = new Uint8Array(3 * width * height);
  for (let top = 0; top < height; top += BAND) {
    const rows = Math.min(BAND, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    withoutAlpha(pixelsOf(context, width, rows), data, top * width);
  }
  return { width, height, data };
}

function pixelsOf(context: OffscreenCanvasRenderingContext2D, width: number, rows: number): Uint8ClampedArray {
  try {
    return context.getImageData(0, 0, width, rows).data;
  } catch (cause) {
    const mend = 'set crossorigin="anonymous" on the element, and have the other server allow it';
    throw new PspnetError("data", `image: expected one of this origin, found another's; ${mend}`, { cause });
  }
}
