import { BoundaryIoU, type ClassList, ConfusionMatrix, type LabelMap, ObjectScores } from "@pspnet/core";
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

/** What an evaluation found, image by image, so that one can look at it. */
export class ErrorLog {
  readonly images: ImageErrors[] = [];
  readonly boundary: BoundaryIoU;
  readonly objects = new ObjectScores();
  readonly #classes: number;

  constructor({ names }: ClassList) {
    this.#classes = names.length;
    this.boundary = new BoundaryIoU(names.length);
  }

  add({ id, label }: Pick<Sample, "id" | "label">, prediction: LabelMap): void {
    const confusion = new ConfusionMatrix(this.#classes).add(prediction.data, label.data);
    const { classes, meanIoUPresent, pixelAccuracy } = confusion.scores();
    const present = classes.map(({ iou, present }, id) => ({ id, iou, present })).filter(({ present }) => present);
    this.images.push({
      index: this.images.length,
      id,
      meanIoU: present.length > 0 ? meanIoUPresent : null,
      pixelAccuracy,
      classes: present.map(({ id, iou }) => ({ id, iou })).sort((a, b) => a.iou - b.iou),
      confusions: confusionsOf(confusion),
    });
    this.boundary.add(prediction, label);
    this.objects.add(prediction, label);
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
