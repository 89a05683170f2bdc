import { type ClassList, type Image, type LabelMap, pictureOf, type RgbImage, type Size } from "@pspnet/core";
import type { Dataset } from "../data/dataset.js";
import { drawingToPng, fromPixels } from "../files/drawing.js";
import { grid, scaleTo } from "./grid.js";
import { type Drawing, drawing, LETTER, LINE, labelsIn, legendOf, legendSvg, TEXT } from "./legend.js";
import { escapeMarkup } from "./markup.js";
import { besideTinted } from "./pictures.js";

const COLUMNS = 3;
const GAP = 8;
/** Pixels that each picture is high. */
const HEIGHT = 240;
/** Pixels that a picture has across at least, so that its name has room. */
const NARROWEST = 200;

/** A picture of the sheet. */
interface Tile {
  readonly name: string;
  readonly picture: RgbImage;
}

/**
 * Samples from all over the dataset that can be read, each image beside itself tinted by its classes, with its file's name above it;
 * below them the classes that they show by name. PNG.
 */
export async function contactSheet(
  dataset: Dataset<LabelMap | null>,
  { count }: { readonly count: number },
): Promise<Uint8Array> {
  const { classes } = dataset;
  const tiles: Tile[] = [];
  const labels = new Set<number>();
  const step = Math.max(1, Math.floor(dataset.length / count));
  for (let i = 0; i < dataset.length && tiles.length < count; i += step) {
    const sample = await dataset.at(i).catch(() => null);
    if (!sample) continue;
    const { id, image, label } = sample;
    if (label) for (const found of labelsIn([label])) labels.add(found);
    tiles.push({ name: id, picture: scaleTo(HEIGHT, label ? tinted(image, label, classes) : pictureOf(image)) });
  }
  return sheetOf(tiles, legendOf(labels, classes));
}

function tinted(image: Image, label: LabelMap, { palette }: ClassList): RgbImage {
  return besideTinted(image, label, { palette, height: HEIGHT, gap: Math.ceil((2 * image.height) / HEIGHT) });
}

function sheetOf(tiles: readonly Tile[], entries: ReturnType<typeof legendOf>): Promise<Uint8Array> {
  const cell = {
    width: tiles.reduce((most, { picture }) => Math.max(most, picture.width), NARROWEST),
    height: LINE + HEIGHT,
  };
  const pictures = grid(
    tiles.map(({ picture }) => below(LINE, picture, cell)),
    { columns: COLUMNS, gap: GAP },
  );
  const width = Math.max(pictures.width, cell.width);
  const names = namesSvg(tiles, cell, { width, height: pictures.height });
  const legend = legendSvg(entries, width);
  const sheet = fromPixels(pictures)
    .extend({ right: width - pictures.width, bottom: legend.height, background: "#ffffff" })
    .composite([
      { input: Buffer.from(names.svg), left: 0, top: 0 },
      { input: Buffer.from(legend.svg), left: 0, top: pictures.height },
    ]);
  return drawingToPng(sheet);
}

/** The picture in a white one of that size, `top` pixels from its upper edge. */
function below(top: number, picture: RgbImage, { width, height }: Size): RgbImage {
  const data = new Uint8Array(3 * width * height).fill(255);
  for (let y = 0; y < picture.height; y++) {
    const row = picture.data.subarray(3 * y * picture.width, 3 * (y + 1) * picture.width);
    data.set(row, 3 * (top + y) * width);
  }
  return { width, height, data };
}

/** Each name over its picture; of a long one the end. */
function namesSvg(tiles: readonly Tile[], cell: Size, size: Size): Drawing {
  const letters = Math.floor(cell.width / LETTER);
  const texts = tiles.map(({ name }, i) => {
    const left = (i % COLUMNS) * (cell.width + GAP);
    const base = Math.floor(i / COLUMNS) * (cell.height + GAP) + LINE - 7;
    const shown = name.length > letters ? `…${name.slice(1 - letters)}` : name;
    return `<text x="${left}" y="${base}" ${TEXT}>${escapeMarkup(shown)}</text>`;
  });
  return drawing(texts, size);
}
