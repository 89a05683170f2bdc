import { IGNORE, type Image, type LabelMap, pictureOf, type Rgb } from "@pspnet/core";
import sharp from "sharp";
import { fromPixels } from "../files/drawing.js";

/** Pixels that a picture is wide at most. */
const WIDEST = 1024;
/** Okabe and Ito's vermilion, told from grey with any colour vision. */
const WRONG: Rgba = [213, 94, 0, 225];
/** What is right is paled. */
const RIGHT: Rgba = [255, 255, 255, 150];
const IGNORED: Rgba = [110, 110, 110, 225];

type Rgba = readonly [red: number, green: number, blue: number, alpha: number];

export interface ErrorPictures {
  /** JPEG. */
  readonly photograph: Uint8Array;
  /** PNGs that lie on it, transparent where nothing is labelled. */
  readonly truth: Uint8Array;
  readonly prediction: Uint8Array;
  /** Vermilion where the prediction is wrong, pale where it is right, grey where nothing is labelled. */
  readonly errors: Uint8Array;
}

/** What the page of errors shows of an image, at most 1024 pixels wide. */
export async function errorPictures(
  image: Image,
  { truth, prediction, palette }: { truth: LabelMap; prediction: LabelMap; palette: readonly Rgb[] },
): Promise<ErrorPictures> {
  const photograph = fromPixels(pictureOf(image));
  if (image.width > WIDEST) photograph.resize(WIDEST);
  const coloured = (id: number): Rgba => (id < palette.length ? [...palette[id], 255] : [0, 0, 0, 0]);
  const judged = (id: number, i: number) => (id === IGNORE ? IGNORED : id === prediction.data[i] ? RIGHT : WRONG);
  return {
    photograph: await photograph.jpeg({ quality: 85 }).toBuffer(),
    truth: await layer(truth, coloured),
    prediction: await layer(prediction, coloured),
    errors: await layer(truth, judged),
  };
}

function layer({ width, height, data }: LabelMap, colour: (id: number, i: number) => Rgba): Promise<Uint8Array> {
  const pixels = new Uint8Array(4 * data.length);
  for (const [i, id] of data.entries()) pixels.set(colour(id, i), 4 * i);
  const picture = sharp(pixels, { raw: { width, height, channels: 4 } });
  if (width > WIDEST) picture.resize(WIDEST, undefined, { kernel: "nearest", fastShrinkOnLoad: false });
  return picture.png({ compressionLevel: 9 }).toBuffer();
}
