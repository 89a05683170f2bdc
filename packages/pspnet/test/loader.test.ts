import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { random } from "@pspnet/core";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
// Worker threads run compiled files only, so this file tests what `tsc -b` has made.
import { type Dataset, openDataset } from "../dist/data/dataset.js";
import type { DataConfig } from "../dist/data/format.js";
import { type Batch, Loader, type LoaderOptions } from "../dist/data/loader.js";
import { epochOrder } from "../dist/data/sampler.js";
import { encodeMask, encodePng } from "../dist/files/png.js";

const SAMPLES = 11;
const OPTIONS: LoaderOptions = {
  batch: 2,
  crop: 33,
  workers: 0,
  seed: 3,
  fraction: 1,
  cache: "none",
  augment: { scaleMin: 0.5, scaleMax: 2, rotate: 10, blur: true, mirror: true },
};

let folder: string;
let dataset: Dataset;
const open: Loader[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-loader-"));
  await writeSamples(folder);
  dataset = await openDataset(describe(folder), "train");
});
afterEach(() => Promise.all(open.splice(0).map((loader) => loader.close())));
afterAll(() => rm(folder, { recursive: true, force: true }));

const describe = (root: string): DataConfig => ({
  root,
  format: "folders",
  train: "train",
  val: "train",
  classes: ["a", "b", "c"],
});

async function writeSamples(root: string): Promise<void> {
  const generator = random(5);
  for (const kind of ["images", "masks"]) await mkdir(join(root, "train", kind), { recursive: true });
  for (let i = 0; i < SAMPLES; i++) {
    const size = { width: 40 + i, height: 30 };
    const pixels = size.width * size.height;
    const image = { ...size, data: Uint8Array.from({ length: 3 * pixels }, () => generator.integer(0, 256)) };
    const mask = { ...size, data: Uint8Array.from({ length: pixels }, () => generator.integer(0, 3)) };
    await writeFile(join(root, "train", "images", `${i}.png`), await encodePng(image));
    await writeFile(join(root, "train", "masks", `${i}.png`), encodeMask(mask, []));
  }
}

function loaderOf(options: Partial<LoaderOptions> = {}, from = dataset): Loader {
  const loader = new Loader(from, { ...OPTIONS, ...options });
  open.push(loader);
  return loader;
}

const copy = ({ images, labels, ids, shape }: Batch) => ({
  images: images.slice(),
  labels: labels.slice(),
  ids,
  shape,
});

async function collect(loader: Loader, epoch: number, options?: { readonly startBatch: number }) {
  const batches: ReturnType<typeof copy>[] = [];
  for await (const batch of loader.epoch(epoch, options)) {
    batches.push(copy(batch));
    batch.release();
  }
  return batches;
}

test("an epoch is full batches, each sample at most once, in another order than the next epoch", async () => {
  const loader = loaderOf();
  expect(loader.batches).toBe(5);
  const first = await collect(loader, 0);
  const second = await collect(loader, 1);
  expect(first).toHaveLength(5);
  expect(first[0].shape).toEqual([2, 33, 33]);
  expect(first[0].images).toHaveLength(2 * 33 * 33 * 3);
  expect(first[0].labels).toHaveLength(2 * 33 * 33);
  const [wide] = await collect(loaderOf({ crop: [25, 41] }), 0);
  expect(wide.shape).toEqual([2, 25, 41]);
  expect(wide.images).toHaveLength(2 * 25 * 41 * 3);
  const ids = first.flatMap((batch) => batch.ids);
  expect(new Set(ids).size).toBe(10);
  expect(second.flatMap((batch) => batch.ids)).not.toEqual(ids);
  expect(first.every(({ images }) => images.every(Number.isFinite) && images.some((value) => value !== 0))).toBe(true);
});

test.each([
  { workers: 1, cache: "none" },
  { workers: 4, cache: "none" },
  { workers: 2, cache: "ram" },
  { workers: 0, cache: "ram" },
] as const)("batches are bit for bit the same with $workers workers and cache $cache", async (options) => {
  const plain = loaderOf();
  const other = loaderOf(options);
  for (const epoch of [0, 1]) expect(await collect(other, epoch)).toEqual(await collect(plain, epoch));
});

test("the kept samples are not read again", async () => {
  let decoded = 0;
  const at = (index: number) => {
    decoded++;
    return dataset.at(index);
  };
  const counting: Dataset = { ...dataset, at };
  const loader = loaderOf({ cache: "ram" }, counting);
  for (let epoch = 0; epoch < 6; epoch++) await collect(loader, epoch);
  expect(decoded).toBeLessThanOrEqual(SAMPLES);
});

test.each([0, 2])("an epoch entered at a later batch goes on the same, with %i workers", async (workers) => {
  const loader = loaderOf({ workers });
  const whole = await collect(loader, 4);
  expect(await collect(loader, 4, { startBatch: 3 })).toEqual(whole.slice(3));
  expect(await collect(loader, 4, { startBatch: 5 })).toEqual([]);
  await expect(collect(loader, 4, { startBatch: 6 })).rejects.toThrow(/expected startBatch from 0 to 5, found 6/);
});

test("the seed changes order and crops", async () => {
  const [one] = await collect(loaderOf(), 0);
  const [other] = await collect(loaderOf({ seed: 4 }), 0);
  expect(other.images).not.toEqual(one.images);
});

test.each([0, 1])("a sample that cannot be decoded arrives as its own error, with %i workers", async (workers) => {
  const root = await mkdtemp(join(tmpdir(), "pspnet-loader-"));
  try {
    await writeSamples(root);
    await writeFile(join(root, "train", "images", "7.png"), "no picture");
    const loader = loaderOf({ workers, batch: 11 }, await openDataset(describe(root), "train"));
    const failure = await collect(loader, 0).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: "PspnetError", code: "data", message: expect.stringMatching(/7\.png/) });
    await expect(collect(loader, 0)).rejects.toThrow(/7\.png/);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
});

test.each([0, 1])("a held batch keeps its values while others are made, with %i workers", async (workers) => {
  const epoch = loaderOf({ workers, prefetch: 1 }).epoch(0);
  const held: Batch = (await epoch.next()).value;
  const before = copy(held);
  for (let i = 1; i < 5; i++) {
    const batch: Batch = (await epoch.next()).value;
    expect(batch.images).not.toBe(held.images);
    batch.release();
    batch.release();
  }
  expect(copy(held)).toEqual(before);
});

test("memory is used again after release, and holding all of it is an error", async () => {
  const loader = loaderOf({ prefetch: 1, workers: 1 });
  const buffers = new Set<unknown>();
  for await (const batch of loader.epoch(0)) {
    buffers.add(batch.images.buffer);
    expect(batch.images.buffer).toBeInstanceOf(SharedArrayBuffer);
    batch.release();
  }
  expect(buffers.size).toBe(2);
  const holding = async () => {
    for await (const batch of loader.epoch(1)) buffers.add(batch.images.buffer);
  };
  await expect(holding()).rejects.toThrow(/all 2 batches are held; release\(\) one/);
  expect(await collect(loader, 2)).toHaveLength(5);
});

test.each([0, 2])("an epoch that was broken off leaves nothing behind, with %i workers", async (workers) => {
  const loader = loaderOf({ workers });
  const whole = await collect(loader, 1);
  for await (const batch of loader.epoch(0)) {
    expect(batch.ids).toHaveLength(2);
    break;
  }
  expect(await collect(loader, 1)).toEqual(whole);
});

test("closing ends an epoch that somebody waits for, and nothing can be loaded after it", async () => {
  const loader = loaderOf({ workers: 1, batch: 11 });
  const waiting = collect(loader, 0).catch((error: unknown) => error);
  await loader.close();
  expect(await waiting).toMatchObject({ code: "interrupted" });
  await expect(collect(loader, 0)).rejects.toThrow(/closed/);
  await loader.close();
});

test.each([0, 1])("a signal ends an epoch, and the next one runs, with %i workers", async (workers) => {
  const loader = loaderOf({ workers });
  const stop = new AbortController();
  const seen: number[] = [];
  const run = async () => {
    for await (const batch of loader.epoch(0, { signal: stop.signal })) {
      seen.push(batch.ids.length);
      batch.release();
      if (seen.length === 2) stop.abort();
    }
  };
  await expect(run()).rejects.toMatchObject({ code: "interrupted" });
  expect(seen).toHaveLength(2);
  await expect(loader.epoch(0, { signal: stop.signal }).next()).rejects.toMatchObject({ code: "interrupted" });
  expect(await collect(loader, 1)).toEqual(await collect(loaderOf(), 1));
});

test("ranks load different samples, each augmented as one process would", async () => {
  const one = await collect(loaderOf({ batch: 1 }), 2);
  const pixelsOf = new Map(one.map(({ ids, images }) => [ids[0], images]));
  const ranks = await Promise.all([0, 1].map((rank) => collect(loaderOf({ batch: 1, rank, worldSize: 2 }), 2)));
  expect(ranks.map((batches) => batches.length)).toEqual([5, 5]);
  expect(new Set(ranks.flat().map(({ ids }) => ids[0])).size).toBe(10);
  for (const { ids, images } of ranks.flat()) expect(images).toEqual(pixelsOf.get(ids[0]));
});

test("only one epoch runs at a time", async () => {
  const loader = loaderOf();
  const first = loader.epoch(0);
  await first.next();
  await expect(collect(loader, 1)).rejects.toThrow(/still running/);
  await first.return(undefined);
  expect(await collect(loader, 1)).toHaveLength(5);
});

test("a dataset that does not fill a batch is refused", () => {
  expect(() => new Loader(dataset, { ...OPTIONS, batch: 12 })).toThrow(/one batch of 12 samples, found 11/);
  expect(() => new Loader(dataset, { ...OPTIONS, batch: 4, fraction: 0.2 })).toThrow(/found 2 \(fraction 0.2 of 11\)/);
  expect(() => new Loader(dataset, { ...OPTIONS, batch: 4, worldSize: 4 })).toThrow(/found 2 \(1 of 4 ranks of 11\)/);
});

test("a forgotten loader does not keep the process alive", async () => {
  const from = new URL("../dist/data/", import.meta.url).href;
  const script = `
    import { openDataset } from "${from}dataset.js";
    import { Loader } from "${from}loader.js";
    const dataset = await openDataset(${JSON.stringify(describe(folder))}, "train");
    const loader = new Loader(dataset, ${JSON.stringify({ ...OPTIONS, workers: 2 })});
    for await (const batch of loader.epoch(0)) { console.log(batch.ids.length); break; }
  `;
  const run = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], { timeout: 20_000 });
  expect((await run).stdout).toBe("2\n");
});

test("a fraction is the same samples in every epoch, and ranks share an epoch evenly", () => {
  const sorted = (options: object) =>
    [...epochOrder({ length: 100, seed: 1, epoch: 0, ...options })].sort((a, b) => a - b);
  expect(sorted({})).toEqual(Array.from({ length: 100 }, (_, i) => i));
  expect(sorted({ fraction: 0.3 })).toHaveLength(30);
  expect(sorted({ fraction: 0.3, epoch: 1 })).toEqual(sorted({ fraction: 0.3 }));
  expect(sorted({ fraction: 0.3, seed: 2 })).not.toEqual(sorted({ fraction: 0.3 }));
  expect(epochOrder({ length: 100, seed: 1, epoch: 1 })).not.toEqual(epochOrder({ length: 100, seed: 1, epoch: 0 }));
  const ranks = [0, 1, 2].flatMap((rank) => sorted({ rank, worldSize: 3 }));
  expect(ranks).toHaveLength(99);
  expect(new Set(ranks).size).toBe(99);
});
