import {
  type ClassList,
  colourise,
  hatchIgnored,
  type Image,
  inputChannels,
  type LabelMap,
  type Normalisation,
  overlay,
  pictureOf,
  type Rgb,
  type RgbImage,
  type Size,
} from "@pspnet/core";
import { drawingToPng, fromPixels } from "../files/drawing.js";
import { grid, shrinkTo } from "./grid.js";
import { type Drawing, drawing, LINE, labelsIn, legendOf, legendSvg, TEXT } from "./legend.js";

export interface BatchPictureOptions extends Normalisation {
  readonly shape: readonly [n: number, h: number, w: number];
  readonly palette: readonly Rgb[];
}

/** Crops that the picture of a batch shows at most, in how many columns, and how high. */
const CROPS = 12;
const CROP_COLUMNS = 3;
const CROP_HEIGHT = 320;
const GAP = 6;
/** Pixels of the picture that a stripe is wide where labels are ignored. */
const STRIPE = 4;
/** Width of each panel of a validation picture: narrower ones are enlarged, wider ones reduced. */
const PANEL_WIDTH = { min: 320, max: 640 };
const CAPTIONS = ["photograph", "truth", "prediction"];

/**
 * A training batch as the network sees it, each crop beside itself tinted by its labels; the first dozen of a larger batch.
 *
 * @param images `[n, h, w, c]`, normalised.
 * @param labels `[n, h, w]`
 */
export function batchPicture(images: Float32Array, labels: Uint8Array, options: BatchPictureOptions): RgbImage {
  const { shape, palette } = options;
  const [n, height, width] = shape;
  const pixels = height * width;
  const channels = inputChannels(options);
  const values = channels * pixels;
  const tiles = Array.from({ length: Math.min(n, CROPS) }, (_, i) => {
    const data = denormalise(images.subarray(i * values, (i + 1) * values), options);
    const image = { width, height, channels, data };
    const label = { width, height, data: labels.subarray(i * pixels, (i + 1) * pixels) };
    return besideTinted(image, label, { palette, height: CROP_HEIGHT, gap: 0 });
  });
  return grid(tiles, { columns: CROP_COLUMNS, gap: GAP });
}

export interface TintOptions {
  readonly palette: readonly Rgb[];
  /** Pixels that the picture is high at most. */
  readonly height: number;
  /** Pixels between the two. */
  readonly gap: number;
}

/** An image beside itself tinted by its classes, hatched where it has none. */
export function besideTinted(image: Image, label: LabelMap, { palette, height, gap }: TintOptions): RgbImage {
  const tinted = overlay(image, label, { palette, opacity: 0.6 });
  const stripe = STRIPE * Math.max(1, image.height / height);
  return shrinkTo(height, grid([pictureOf(image), hatchIgnored(tinted, label, { stripe })], { columns: 2, gap }));
}

/** Back to 0 to 255, rounded and clamped, and to RGB. */
function denormalise(values: Float32Array, { mean, std, channelOrder }: Normalisation): Uint8Array {
  const data = new Uint8ClampedArray(values.length);
  const channels = mean.length;
  for (let i = 0; i < values.length; i++) {
    const channel = i % channels;
    const place = channelOrder === "rgb" ? channel : channels - 1 - channel;
    data[i] = 255 * (values[i - channel + place] * std[channel] + mean[channel]);
  }
  return new Uint8Array(data.buffer);
}

export interface ValidationPictureParts {
  readonly image: Image;
  readonly truth: LabelMap;
  readonly prediction: LabelMap;
  readonly classes: ClassList;
}

/** Photograph, truth and prediction side by side, and below them the classes by name; PNG. What is ignored is hatched. */
export async function validationPicture(parts: ValidationPictureParts): Promise<Uint8Array> {
  const { image, truth, prediction, classes } = parts;
  const size = panelSize(image);
  const stripe = Math.max(1, (STRIPE * image.width) / size.width);
  const maps = [truth, prediction].map((map) => hatchIgnored(colourise(map, classes.palette), map, { stripe }));
  const row = grid(
    [
      await resize(pictureOf(image), size, "lanczos3"),
      ...(await Promise.all(maps.map((map) => resize(map, size, "nearest")))),
    ],
    { columns: CAPTIONS.length, gap: GAP },
  );
  const captions = captionsSvg(size.width, row.width);
  const legend = legendSvg(legendOf(labelsIn([truth, prediction]), classes), row.width);
  const picture = fromPixels(row)
    .extend({ top: captions.height, bottom: legend.height, background: "#ffffff" })
    .composite([
      { input: Buffer.from(captions.svg), left: 0, top: 0 },
      { input: Buffer.from(legend.svg), left: 0, top: captions.height + row.height },
    ]);
  return drawingToPng(picture);
}

function panelSize({ width, height }: Size): Size {
  const wanted = Math.min(PANEL_WIDTH.max, Math.max(PANEL_WIDTH.min, width));
  return { width: wanted, height: Math.max(1, Math.round((height * wanted) / width)) };
}

async function resize(image: RgbImage, { width, height }: Size, kernel: "lanczos3" | "nearest"): Promise<RgbImage> {
  if (image.width === width && image.height === height) return image;
  const data = await fromPixels(image)
    .resize(width, height, { fit: "fill", kernel, fastShrinkOnLoad: false })
    .raw()
    .toBuffer();
  return { width, height, data };
}

/** The names of the panels, each over the middle of its own. */
function captionsSvg(panel: number, width: number): Drawing {
  const texts = CAPTIONS.map((text, i) => {
    const middle = i * (panel + GAP) + panel / 2;
    return `<text x="${middle}" y="18" text-anchor="middle" ${TEXT}>${text}</text>`;
  });
  return drawing(texts, { width, height: LINE + 2 });
}
