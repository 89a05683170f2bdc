import { join } from "node:path";
import type { ConfusionMatrix, LabelMap } from "@pspnet/core";
import type { Dataset } from "../data/dataset.js";
import { readMask } from "../data/masks.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { encodeMask } from "../files/png.js";
import { ErrorLog, type ImageErrors, type LoggedErrors } from "./errorLog.js";
import { type ErrorPageParts, errorPage, type ShownImage } from "./errorPage.js";
import { errorPictures } from "./errorPictures.js";

/** Confusions that the page lists, and images of each that have pictures whether they are among the worst or not. */
const PAIRS = 24;
const IMAGES_OF_PAIR = 3;
/** Confusions that are told of one image. */
const CONFUSIONS = 12;

export interface ErrorPageOptions extends Pick<ErrorPageParts, "title" | "summary" | "protocol"> {
  /** How many of the worst images have pictures. */
  readonly worst: number;
}

/** Keeps what an evaluation finds in a folder, and makes a page of it to look at. */
export class ErrorWriter {
  readonly #dataset: Dataset;
  readonly #folder: string;
  readonly #log: ErrorLog;

  /**
   * @param folder where the page, the predictions and the pictures go.
   * @param found what is known already, of images whose predictions are there.
   */
  constructor(dataset: Dataset, folder: string, found: readonly LoggedErrors[] = []) {
    this.#dataset = dataset;
    this.#folder = folder;
    this.#log = new ErrorLog(dataset.classes.names.length, found);
  }

  /** Writes the prediction of the dataset's image of that index. */
  async add(sample: Parameters<ErrorLog["add"]>[0], prediction: LabelMap, index: number): Promise<void> {
    this.#log.add(sample, prediction, index);
    await atomicWrite(predictionFile(this.#folder, index), encodeMask(prediction, this.#dataset.classes.palette));
  }

  /** What was found, as plain data. */
  get found(): LoggedErrors {
    return this.#log.toJSON();
  }

  /** Makes the pictures and the page `index.html`; gives its path. */
  async finish(confusion: ConfusionMatrix, { worst, ...parts }: ErrorPageOptions): Promise<string> {
    const folder = this.#folder;
    const { classes, length } = this.#dataset;
    const log = this.#log;
    const pairs = log.pairs(confusion, PAIRS);
    const chosen = new Set(
      log
        .worst()
        .slice(0, worst)
        .map(({ index }) => index),
    );
    for (const { images } of pairs) for (const index of images.slice(0, IMAGES_OF_PAIR)) chosen.add(index);
    const images: ShownImage[] = [];
    for (const image of log.worst()) if (chosen.has(image.index)) images.push(await this.#picture(image));
    const boundary = log.boundary.scores();
    const objects = log.objects.scores();
    const page = join(folder, "index.html");
    const scores = confusion.scores();
    const found = { scores, boundary, objects, pairs };
    await atomicWrite(page, errorPage({ ...parts, ...found, classes, images, evaluated: length }));
    const record = { protocol: parts.protocol, names: classes.names, ...found, images: log.images.map(shortened) };
    await atomicWrite(join(folder, "errors.json"), JSON.stringify(record));
    return page;
  }

  async #picture(image: ImageErrors): Promise<ShownImage> {
    const folder = this.#folder;
    const { palette } = this.#dataset.classes;
    const sample = await this.#dataset.at(image.index);
    const prediction = await readMask(predictionFile(folder, image.index));
    const { photograph, truth, errors, ...made } = await errorPictures(sample.image, {
      truth: sample.label,
      prediction,
      palette,
    });
    const pictures = `pictures/${numbered(image.index)}`;
    const files = {
      ".jpg": photograph,
      ".truth.png": truth,
      ".prediction.png": made.prediction,
      ".errors.png": errors,
    };
    for (const [end, content] of Object.entries(files)) await atomicWrite(join(folder, pictures + end), content);
    return { ...shortened(image), pictures };
  }
}

/** Where the prediction of an image is. */
export function predictionFile(folder: string, index: number): string {
  return join(folder, "predictions", `${numbered(index)}.png`);
}

/** With its largest confusions alone. */
function shortened(image: ImageErrors): ImageErrors {
  return { ...image, confusions: image.confusions.slice(0, CONFUSIONS) };
}

function numbered(index: number): string {
  return String(index).padStart(5, "0");
}
