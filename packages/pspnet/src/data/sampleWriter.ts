import { inputChannels, random } from "@pspnet/core";
import { Augmenter, type AugmentOptions, type CropTarget } from "./augment.js";
import type { Dataset, Sample } from "./dataset.js";

// Keeps the samples' generators apart from those of the order.
const SAMPLE = 0x5a3b1e;

/** Memory of one batch, shared by all threads: images `[batch, h, w, c]`, then labels `[batch, h, w]`. */
export interface Slot {
  readonly images: Float32Array<SharedArrayBuffer>;
  readonly labels: Uint8Array<SharedArrayBuffer>;
}

/** A decoded sample in shared memory. */
export interface CachedSample {
  readonly id: string;
  readonly width: number;
  readonly height: number;
  readonly image: Uint8Array<SharedArrayBuffer>;
  readonly label: Uint8Array<SharedArrayBuffer>;
}

/** One sample to load. */
export interface SampleTask {
  readonly epoch: number;
  /** Of the dataset. */
  readonly index: number;
  /** Where the crop goes: a slot, and the place within its batch. */
  readonly slot: number;
  readonly place: number;
  /** The decoded sample when it was kept. */
  readonly cached?: CachedSample;
}

/** What came of a task. */
export interface LoadedSample {
  readonly id: string;
  /** The decoded sample, when it shall be kept and was not yet. */
  readonly cached?: CachedSample;
}

/** Everything but the dataset that a thread needs to load samples; plain data. */
export interface WriterOptions {
  readonly seed: number;
  readonly augment: AugmentOptions;
  readonly slots: readonly Slot[];
  /** Whether decoded samples are handed back to be kept. */
  readonly keep: boolean;
}

/** Decodes samples ahead, and writes their crops into the slots. */
export class SampleWriter {
  readonly #options: WriterOptions;
  readonly #augmenter: Augmenter;

  constructor(options: WriterOptions) {
    this.#options = options;
    this.#augmenter = new Augmenter(options.augment);
  }

  /** @throws PspnetError "data" when the sample cannot be decoded. */
  async write(dataset: Dataset, task: SampleTask): Promise<LoadedSample> {
    const { seed, keep } = this.#options;
    const cached = task.cached;
    const sample = cached ? fromCache(cached, dataset.source) : await dataset.at(task.index);
    const generator = random(seed, SAMPLE, task.epoch, task.index);
    this.#augmenter.augment(sample, { generator, target: this.#target(task) });
    return { id: sample.id, cached: keep && !cached ? toCache(sample) : undefined };
  }

  #target({ slot, place }: SampleTask): CropTarget {
    const { images, labels } = this.#options.slots[slot];
    const { crop, input } = this.#options.augment;
    const pixels = crop.height * crop.width;
    const values = inputChannels(input) * pixels;
    return {
      image: images.subarray(values * place, values * (place + 1)),
      label: labels.subarray(pixels * place, pixels * (place + 1)),
    };
  }
}

function fromCache({ id, width, height, image, label }: CachedSample, { channels }: Dataset["source"]): Sample {
  return { id, image: { width, height, channels, data: image }, label: { width, height, data: label } };
}

function toCache({ id, image, label }: Sample): CachedSample {
  return { id, width: image.width, height: image.height, image: shared(image.data), label: shared(label.data) };
}

function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
