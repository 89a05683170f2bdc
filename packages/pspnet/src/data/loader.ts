import { type Crop, cropSize, IMAGENET, inputChannels, type Normalisation, PspnetError, type Size } from "@pspnet/core";
import type { AugmentOptions } from "./augment.js";
import type { Dataset } from "./dataset.js";
import { type LoaderThread, startThreads } from "./loaderThreads.js";
import { epochLength, epochOrder } from "./sampler.js";
import type { CachedSample, Slot, WriterOptions } from "./sampleWriter.js";
import { cancelled } from "./taskQueue.js";

export interface LoaderOptions {
  /** Samples of a batch. */
  readonly batch: number;
  readonly crop: Crop;
  /** Threads that load; 0: the calling one, between its own work. The batches are the same, bit for bit. */
  readonly workers: number;
  readonly seed: number;
  /** Share of the dataset that is used, in (0, 1]. */
  readonly fraction: number;
  /** "ram" keeps every decoded sample: a byte a channel and one more for each pixel of the dataset. */
  readonly cache: "none" | "ram";
  readonly augment: Omit<AugmentOptions, "crop" | "input">;
  /** How the network wants its input; ImageNet's way when it is left out. */
  readonly input?: Normalisation;
  /** This process of `worldSize`: each loads its own share of every epoch, `batch` samples a step. */
  readonly rank?: number;
  readonly worldSize?: number;
  /** Batches that are made ready ahead of the one in use. */
  readonly prefetch?: number;
}

export interface EpochEntry {
  /** The first batch, when an epoch is resumed. */
  readonly startBatch?: number;
  /** Ends the epoch: waiting for a batch then fails as "interrupted". */
  readonly signal?: AbortSignal;
}

/** Training samples of one step, in memory that is used again after `release`. */
export interface Batch {
  /** `[n, h, w, c]`, interleaved, normalised. */
  readonly images: Float32Array;
  /** `[n, h, w]`, class ids; 255 is ignored. */
  readonly labels: Uint8Array;
  readonly ids: readonly string[];
  readonly shape: readonly [n: number, h: number, w: number];
  /** Gives the memory back. So does the end of the epoch. */
  release(): void;
}

/**
 * Augmented batches of a dataset, in the order that (seed, epoch) names. What is in a batch depends on the seed, the epoch
 * and the batch's number only: not on the workers, the cache, or where the epoch was entered.
 */
export class Loader {
  /** Batches of an epoch; samples that do not fill one are left out of it. */
  readonly batches: number;
  readonly #options: LoaderOptions;
  readonly #length: number;
  readonly #slots: readonly Slot[];
  readonly #threads: readonly LoaderThread[];
  readonly #cache = new Map<number, CachedSample>();
  #running: Epoch | null = null;
  #closed = false;

  /** @throws PspnetError "config" when the dataset does not fill one batch; "environment" when workers cannot be started. */
  constructor(dataset: Dataset, options: LoaderOptions) {
    const { batch, fraction, worldSize = 1, prefetch = 2, workers, seed, cache } = options;
    const samples = epochLength({ length: dataset.length, fraction, worldSize });
    this.batches = Math.floor(samples / batch);
    if (this.batches === 0) {
      const parts = [
        fraction === 1 ? [] : `fraction ${fraction}`,
        worldSize === 1 ? [] : `1 of ${worldSize} ranks`,
      ].flat();
      const found = parts.length === 0 ? `${samples}` : `${samples} (${parts.join(", ")} of ${dataset.length})`;
      throw new PspnetError(
        "config",
        `Loader: expected at least one batch of ${batch} samples, found ${found} in the dataset; set batch to ${samples} or less`,
      );
    }
    const crop = cropSize(options.crop);
    this.#options = options;
    this.#length = dataset.length;
    const { input = IMAGENET } = options;
    const shape = { ...crop, channels: inputChannels(input) };
    this.#slots = Array.from({ length: prefetch + 1 }, () => createSlot(batch, shape));
    const augment = { ...options.augment, crop, input };
    const writer: WriterOptions = { seed, augment, slots: this.#slots, keep: cache === "ram" };
    this.#threads = startThreads(workers, { dataset, writer });
  }

  /**
   * The batches of epoch `n` from number `startBatch` on, in order. At most `prefetch + 1` may be held unreleased. One epoch
   * at a time: the next begins when this one was run to its end, broken off, or has failed.
   *
   * @throws PspnetError "data" naming a sample that cannot be decoded; "usage" for two epochs at once, or too many batches held;
   * "interrupted" after the signal.
   */
  async *epoch(n: number, { startBatch = 0, signal }: EpochEntry = {}): AsyncGenerator<Batch> {
    if (this.#closed) throw new PspnetError("usage", "Loader.epoch: the loader is closed; make a new one");
    if (this.#running) throw new PspnetError("usage", "Loader.epoch: an epoch is still running; end it first");
    if (!Number.isInteger(startBatch) || startBatch < 0 || startBatch > this.batches) {
      const expected = `expected startBatch from 0 to ${this.batches}`;
      throw new PspnetError("usage", `Loader.epoch: ${expected}, found ${startBatch}; resume with the run's own data`);
    }
    if (signal?.aborted) throw cancelled();
    const { seed, fraction, rank, worldSize, batch } = this.#options;
    const order = epochOrder({ length: this.#length, seed, epoch: n, fraction, rank, worldSize });
    const epoch = new Epoch({
      number: n,
      order: order.subarray(0, this.batches * batch),
      startBatch,
      options: this.#options,
      slots: this.#slots,
      threads: this.#threads,
      cache: this.#cache,
    });
    this.#running = epoch;
    const stop = () => void epoch.end();
    signal?.addEventListener("abort", stop);
    try {
      for (let i = startBatch; i < this.batches; i++) yield await epoch.next();
    } finally {
      signal?.removeEventListener("abort", stop);
      await epoch.end();
      this.#running = null;
    }
  }

  /** Ends a running epoch and the threads. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.end();
    await Promise.all(this.#threads.map((thread) => thread.close()));
  }
}

interface EpochParts {
  readonly number: number;
  readonly order: Uint32Array;
  readonly startBatch: number;
  readonly options: LoaderOptions;
  readonly slots: readonly Slot[];
  readonly threads: readonly LoaderThread[];
  readonly cache: Map<number, CachedSample>;
}

/** One pass over the dataset: which slots are free, and which batches are on their way. */
class Epoch {
  readonly #parts: EpochParts;
  readonly #free: number[];
  /** Batches that may be on their way at once. */
  readonly #horizon: number;
  #pending: Promise<Batch>[] = [];
  #next: number;
  #ended = false;

  constructor(parts: EpochParts) {
    this.#parts = parts;
    this.#free = parts.slots.map((_, slot) => slot);
    this.#next = parts.startBatch;
    const ahead = parts.options.workers === 0 ? 1 : parts.slots.length - 1;
    this.#horizon = Math.max(1, ahead);
  }

  async next(): Promise<Batch> {
    if (this.#ended) throw cancelled();
    this.#fill();
    const batch = this.#pending[0];
    if (!batch) {
      const held = this.#parts.slots.length;
      throw new PspnetError("usage", `Loader.epoch: all ${held} batches are held; release() one before the next`);
    }
    const ready = await batch;
    this.#pending.shift();
    this.#fill();
    return ready;
  }

  /** Drops what has not begun and waits for the rest, so that nothing writes into the slots any more. */
  async end(): Promise<void> {
    this.#ended = true;
    for (const thread of this.#parts.threads) thread.cancel();
    await Promise.allSettled(this.#pending);
  }

  #fill(): void {
    const { order, options } = this.#parts;
    const batches = order.length / options.batch;
    while (!this.#ended && this.#next < batches && this.#pending.length < this.#horizon && this.#free.length > 0) {
      const batch = this.#load(this.#next++, this.#free.shift()!);
      // It may fail long before anybody waits for it.
      batch.catch(() => {});
      this.#pending.push(batch);
    }
  }

  async #load(number: number, slot: number): Promise<Batch> {
    const { options, order, slots } = this.#parts;
    const { batch } = options;
    const { height, width } = cropSize(options.crop);
    const indices = order.subarray(number * batch, (number + 1) * batch);
    const loads = await Promise.allSettled(Array.from(indices, (index, place) => this.#sample(index, { slot, place })));
    const ids = loads.map((load) => {
      if (load.status === "rejected") throw load.reason;
      return load.value;
    });
    let held = true;
    const release = () => {
      if (!held) return;
      held = false;
      this.#free.push(slot);
      this.#fill();
    };
    return { ...slots[slot], ids, shape: [batch, height, width], release };
  }

  async #sample(index: number, at: { readonly slot: number; readonly place: number }): Promise<string> {
    const { number, threads, cache } = this.#parts;
    const thread = threads.reduce((least, other) => (other.load < least.load ? other : least));
    const { id, cached } = await thread.add({ ...at, index, epoch: number, cached: cache.get(index) });
    if (cached) cache.set(index, cached);
    return id;
  }
}

function createSlot(batch: number, { height, width, channels }: Size & { readonly channels: number }): Slot {
  const pixels = batch * height * width;
  return {
    images: new Float32Array(new SharedArrayBuffer(4 * channels * pixels)),
    labels: new Uint8Array(new SharedArrayBuffer(pixels)),
  };
}
