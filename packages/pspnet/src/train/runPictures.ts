import { join } from "node:path";
import type { ClassList, LabelMap, Normalisation } from "@pspnet/core";
import type { Sample } from "../data/dataset.js";
import type { Batch } from "../data/loader.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { encodePng } from "../files/png.js";
import { batchPicture, validationPicture } from "../report/pictures.js";

const BATCHES = 3;
const VALIDATIONS = 6;

/** The pictures in a run's folder: its first batches, and some images of the last validation. */
export class RunPictures {
  /** PNG files of the last validation by name, `val-1`. */
  readonly validations = new Map<string, Uint8Array>();

  constructor(
    private readonly folder: string,
    private readonly classes: ClassList,
    private readonly input: Normalisation,
  ) {}

  /** @param step Steps done before it. */
  async batch({ images, labels, shape }: Batch, step: number): Promise<void> {
    if (step >= BATCHES) return;
    const picture = batchPicture(images, labels, { ...this.input, shape, palette: this.classes.palette });
    await this.#write(`train-batch-${step + 1}`, await encodePng(picture));
  }

  /** Image number `done` of `total`, if it is one of those that are shown: spread evenly, as neighbours are often alike. */
  async validation(
    { image, label }: Sample,
    prediction: LabelMap,
    { done, total }: { readonly done: number; readonly total: number },
  ): Promise<void> {
    const count = Math.min(VALIDATIONS, total);
    const number = 1 + Array.from({ length: count }, (_, i) => 1 + Math.floor((i * total) / count)).indexOf(done);
    if (number === 0) return;
    const png = await validationPicture({ image, truth: label, prediction, classes: this.classes });
    await this.#write(`val-${number}`, png);
    this.validations.set(`val-${number}`, png);
  }

  #write(name: string, png: Uint8Array): Promise<void> {
    return atomicWrite(join(this.folder, "pictures", `${name}.png`), png);
  }
}
