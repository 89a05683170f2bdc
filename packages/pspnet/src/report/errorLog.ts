import {
  type BoundaryCounts,
  BoundaryIoU,
  ConfusionMatrix,
  type LabelMap,
  ObjectScores,
  type ObjectSum,
} from "@pspnet/core";
import type { Sample } from "../data/dataset.js";

/** Pixels of one class that are predicted as another. */
export interface Confusion {
  readonly truth: number;
  readonly guess: number;
  readonly pixels: number;
}

/** How one image fared. */
export interface ImageErrors {
  /** In the dataset. */
  readonly index: number;
  readonly id: string;
  /** Mean over the classes that its labels or its prediction have; null where nothing is labelled. */
  readonly meanIoU: number | null;
  readonly pixelAccuracy: number;
  /** Of those classes, the worst first. */
  readonly classes: readonly { readonly id: number; readonly iou: number }[];
  /** The most pixels first. */
  readonly confusions: readonly Confusion[];
}

/** A confusion over all images, and where it is. */
export interface ConfusionPair extends Confusion {
  /** Of the true class's pixels. */
  readonly share: number;
  /** Indices of the images that have it, the most pixels first. */
  readonly images: readonly number[];
}

/** A log as plain data, of some of the dataset's images or all. */
export interface LoggedErrors {
  readonly images: readonly ImageErrors[];
  /** Of each of those images. */
  readonly objects: readonly (readonly ObjectSum[])[];
  /** Of all of them. */
  readonly boundary: BoundaryCounts;
}

/** What an evaluation found, image by image, so that one can look at it. */
export class ErrorLog {
  readonly #images: { readonly errors: ImageErrors; readonly objects: ObjectScores }[];
  readonly #classes: number;
  readonly boundary: BoundaryIoU;

  /** @param parts what was found before, of any images in any order. */
  constructor(classes: number, parts: readonly LoggedErrors[] = []) {
    this.#classes = classes;
    this.#images = parts
      .flatMap(({ images, objects }) => images.map((errors, i) => ({ errors, objects: new ObjectScores(objects[i]) })))
      .sort((a, b) => a.errors.index - b.errors.index);
    this.boundary = new BoundaryIoU(classes);
    for (const { boundary } of parts) this.boundary.merge(new BoundaryIoU(classes, boundary));
  }

  get images(): ImageErrors[] {
    return this.#images.map(({ errors }) => errors);
  }

  /** Of all images, summed in their order: shares are no whole numbers, of which any order gives the same. */
  get objects(): ObjectScores {
    return this.#images.reduce((sum, { objects }) => sum.merge(objects), new ObjectScores());
  }

  /** @param index of the image in the dataset. */
  add({ id, label }: Pick<Sample, "id" | "label">, prediction: LabelMap, index: number): void {
    const confusion = new ConfusionMatrix(this.#classes).add(prediction.data, label.data);
    const { classes, meanIoUPresent, pixelAccuracy } = confusion.scores();
    const present = classes.map(({ iou, present }, id) => ({ id, iou, present })).filter(({ present }) => present);
    const errors = {
      index,
      id,
      meanIoU: present.length > 0 ? meanIoUPresent : null,
      pixelAccuracy,
      classes: present.map(({ id, iou }) => ({ id, iou })).sort((a, b) => a.iou - b.iou),
      confusions: confusionsOf(confusion),
    };
    this.#images.push({ errors, objects: new ObjectScores().add(prediction, label) });
    this.boundary.add(prediction, label);
  }

  toJSON(): LoggedErrors {
    const objects = this.#images.map((image) => image.objects.toJSON());
    return { images: this.images, objects, boundary: this.boundary.toJSON() };
  }

  /** The images, those of the smallest mean IoU first. */
  worst(): ImageErrors[] {
    const rank = ({ meanIoU }: ImageErrors) => meanIoU ?? 2;
    return [...this.images].sort((a, b) => rank(a) - rank(b));
  }

  /** The confusions of most pixels over all images. */
  pairs(confusion: ConfusionMatrix, count: number): ConfusionPair[] {
    return confusionsOf(confusion)
      .slice(0, count)
      .map(({ truth, guess, pixels }) => {
        const inImage = ({ confusions }: ImageErrors) =>
          confusions.find((one) => one.truth === truth && one.guess === guess)?.pixels ?? 0;
        const images = this.images.filter((image) => inImage(image) > 0).sort((a, b) => inImage(b) - inImage(a));
        const row = confusion.counts.subarray(truth * this.#classes, (truth + 1) * this.#classes);
        const share = pixels / row.reduce((sum, value) => sum + value, 0);
        return { truth, guess, pixels, share, images: images.map(({ index }) => index) };
      });
  }
}

function confusionsOf({ classes, counts }: ConfusionMatrix): Confusion[] {
  return [...counts]
    .map((pixels, i) => ({ truth: Math.floor(i / classes), guess: i % classes, pixels }))
    .filter(({ truth, guess, pixels }) => truth !== guess && pixels > 0)
    .sort((a, b) => b.pixels - a.pixels);
}
