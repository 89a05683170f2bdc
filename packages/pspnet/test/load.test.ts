import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  encodePng,
  evaluate,
  load,
  makeScene,
  type Network,
  type NetworkOptions,
  PspnetError,
  pspnetConfig,
  type RgbImage,
  randomWeights,
  type Segmentation,
  type SegmentOptions,
  WHOLE_IMAGE,
} from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ORIENTATIONS, photographed, upright } from "./support/orientation.js";

const CLASSES = 12;
const weights = randomWeights(
  pspnetConfig({ classes: CLASSES, layers: 18, width: 8, headChannels: 32, auxChannels: 8 }),
  // Of the first seeds the one that finds several classes under every protocol.
  { seed: 5 },
);
const { image } = makeScene({ width: 123, height: 89, seed: 2, index: 0 });
const WINDOWS: SegmentOptions = { scales: [0.75, 1.3], flip: true, crop: 73 };

let torch: Network;
let onnx: Network;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-load-"));
  torch = await load(weights, { runtime: "torch", precision: "fp32" });
  onnx = await load(weights, { runtime: "onnx", threads: 1 });
});
afterAll(async () => {
  await torch.dispose();
  await onnx.dispose();
  await rm(folder, { recursive: true, force: true });
});

/** The same weights, but for those of the classifier, which are as large as can be. */
function overflowing(file: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(file);
  const view = new DataView(bytes.buffer);
  const start = 8 + Number(view.getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)));
  const [from, to] = header["cls.4.weight"].data_offsets;
  for (let at = start + from; at < start + to; at += 4) view.setFloat32(at, 3e38, true);
  return bytes;
}

const difference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, i) => Math.max(most, Math.abs(value - b[i])), 0);

describe("both runtimes give the same", () => {
  test.each([
    ["at an odd size", {}],
    ["with windows, scales and flips", WINDOWS],
    ["with a long side", { baseSize: 100, flip: true }],
    ["with windows larger than the image", { crop: 137 }],
    ["with windows that are no squares", { crop: [41, 73] }],
  ] as const)("%s: probabilities within 1e-4, labels where they are clear", async (_name, options) => {
    const a = await torch.probabilities(image, options);
    const b = await onnx.probabilities(image, options);
    expect(a.length).toBe(CLASSES * 123 * 89);
    expect(difference(a, b)).toBeLessThan(1e-4);
    const [{ labels }, { labels: others }] = [await torch.segment(image, options), await onnx.segment(image, options)];
    expect(labels.data.filter((id, i) => id !== others.data[i]).length).toBeLessThanOrEqual(1);
    expect(new Set(labels.data).size).toBeGreaterThan(3);
  });

  test("logits", async () => {
    const [a, b] = [await torch.logits(image), await onnx.logits(image)];
    const largest = a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(difference(a, b) / largest).toBeLessThan(1e-4);
  });
});

describe.each(["torch", "onnx"] as const)("on %s", (runtime) => {
  const net = () => (runtime === "torch" ? torch : onnx);

  test("a path, bytes and pixels are the same photograph", async () => {
    const file = join(folder, "photo.png");
    const bytes = await encodePng(image);
    await writeFile(file, bytes);
    const found = await Promise.all([file, bytes, image].map((source) => net().segment(source)));
    for (const { labels } of found) expect(labels).toEqual(found[0].labels);
    expect(net()).toMatchObject({ runtime, arithmetic: "cpu in fp32" });
  });

  test.each(ORIENTATIONS)(
    "a photograph is turned as EXIF %i says, pixels are taken as they are",
    async (orientation) => {
      const bytes = await photographed(image, orientation);
      const file = join(folder, `turned-${orientation}.jpg`);
      await writeFile(file, bytes);
      const turned = await upright(bytes, orientation);
      const expected = (await net().segment(turned)).labels;
      expect([expected.width, expected.height]).toEqual(orientation < 5 ? [123, 89] : [89, 123]);
      for (const source of [file, bytes]) {
        const found = await net().segment(source);
        expect(found.labels).toEqual(expected);
        expect(found.image).toEqual(turned);
        expect([found.colour.width, found.overlay.width]).toEqual([turned.width, turned.width]);
      }
      for await (const { labels } of net().segmentAll([file])) expect(labels).toEqual(expected);
      expect(await net().logits(file)).toEqual(await net().logits(turned));
      expect(await net().probabilities(file)).toEqual(await net().probabilities(turned));
    },
  );

  test("areas, colours and overlay follow from the labels", async () => {
    const { labels, areas, colour, overlay, classes } = await net().segment(image);
    expect(areas.reduce((sum, { pixels }) => sum + pixels, 0)).toBe(labels.data.length);
    const [largest] = areas;
    expect(labels.data.filter((id) => id === largest.id)).toHaveLength(largest.pixels);
    expect(largest.name).toBe(`class ${largest.id}`);
    const at = labels.data.indexOf(largest.id);
    const rgb = classes.palette[largest.id];
    expect([...colour.data.subarray(3 * at, 3 * at + 3)]).toEqual(rgb);
    const mixed = rgb.map((value, c) => Math.round((value + image.data[3 * at + c]) / 2));
    for (let c = 0; c < 3; c++) expect(Math.abs(overlay.data[3 * at + c] - mixed[c])).toBeLessThanOrEqual(1);
  });

  test("many come in order, whatever they are read from, and progress tells how far it is", async () => {
    const sizes = [40, 90, 57, 33];
    const images = sizes.map((width, index) => makeScene({ width, height: 41, seed: 3, index }).image);
    const steps: unknown[] = [];
    const found: Segmentation[] = [];
    for await (const one of net().segmentAll(images, { onProgress: (step) => steps.push(step) })) found.push(one);
    expect(found.map(({ labels }) => labels.width)).toEqual(sizes);
    expect(steps).toEqual([1, 2, 3, 4].map((done) => ({ done, total: 4 })));
    for (const [i, { labels }] of found.entries())
      expect(labels.data).toEqual((await net().segment(images[i])).labels.data);
  });

  test("the progress that load was given tells of many, too", async () => {
    const steps: unknown[] = [];
    await using own = await load(weights, { runtime, onProgress: (step) => steps.push(step) });
    for await (const { labels } of own.segmentAll([image, image])) expect(labels.width).toBe(123);
    expect(steps).toEqual([1, 2].map((done) => ({ done, total: 2 })));
  });

  test.each([
    ["the whole image", {}],
    ["windows, scales and flips", WINDOWS],
  ] as const)("one image again and again has the labels that it has without smoothing: %s", async (_name, options) => {
    const { data } = (await net().segment(image, options)).labels;
    for await (const { labels } of net().segmentAll([image, image, image], { ...options, smooth: 0.3 }))
      expect(labels.data.filter((id, i) => id !== data[i]).length).toBeLessThanOrEqual(1);
  });

  test("smoothing averages probabilities over the images, with the shares that it is told", async () => {
    // Where the network gives logits, at every eighth pixel of an image of 8n + 1, nothing is enlarged.
    const [width, height] = [73, 57];
    const [a, b] = [0, 4].map((index) => makeScene({ width, height, seed: 2, index }).image);
    const places = Array.from({ length: 80 }, (_, i) => 8 * Math.floor(i / 10) * width + 8 * (i % 10));
    const probabilities = await Promise.all([a, b].map((one) => net().probabilities(one)));
    const [ofA, ofB] = probabilities.map((values) =>
      places.map((at) => Array.from({ length: CLASSES }, (_, c) => values[c * width * height + at])),
    );
    const best = (values: readonly number[]) => values.indexOf(Math.max(...values));
    const shares = [0.5, 0.2, 0.6, 0.2, 0.9];
    const images = [a, b, b, a, a];
    let mean = ofA;
    const [found, expected, plain]: number[][][] = [[], [], []];
    for await (const { labels } of net().segmentAll(images, { smooth: (index) => shares[index] }))
      found.push(places.map((at) => labels.data[at]));
    for (const [i, image] of images.entries()) {
      const own = image === a ? ofA : ofB;
      const share = i === 0 ? 1 : shares[i];
      mean = mean.map((values, at) => values.map((value, c) => share * own[at][c] + (1 - share) * value));
      expected.push(mean.map(best));
      plain.push(own.map(best));
    }
    expect(found).toEqual(expected);
    expect(found).not.toEqual(plain);
  });

  test("leaving the loop early leaves a network that works", async () => {
    async function* endless() {
      for (;;) yield image;
    }
    for await (const { labels } of net().segmentAll(endless())) {
      expect(labels.width).toBe(123);
      break;
    }
    await net().segment(image);
  });

  test("evaluate takes the network itself, with the protocol that it is told", async () => {
    const label = await net().labels(image, WINDOWS);
    const at = async () => ({ id: "scene", image, label });
    const dataset = { length: 2, classes: net().classes, at };
    const score = async (options: SegmentOptions) =>
      (await evaluate(net(), dataset, { protocol: { ...WHOLE_IMAGE, ...options } })).scores().pixelAccuracy;
    expect(await score(WINDOWS)).toBeCloseTo(1, 9);
    expect(await score({})).toBeLessThan(0.999);
  });

  test("progress ends with all windows", async () => {
    const steps: { done: number; total?: number }[] = [];
    await net().segment(image, { ...WINDOWS, onProgress: (step) => steps.push(step) });
    const { done, total } = steps[steps.length - 1];
    expect(done).toBe(total);
    expect(done).toBeGreaterThan(3);
  });

  test("an aborted signal ends it with its reason, before and while it works", async () => {
    const reason = new Error("enough");
    await expect(net().segment(image, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const controller = new AbortController();
    const running = net().segment(image, { ...WINDOWS, signal: controller.signal });
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
  });

  test("what is aborted while it waits for its turn is rejected at once", async () => {
    const controller = new AbortController();
    const order: string[] = [];
    const before = Array.from({ length: 10 }, async () => {
      await net().segment(image);
      order.push("segmented");
    });
    const last = net().segment(image, { signal: controller.signal });
    const rejected = last.catch(() => order.push("aborted"));
    await new Promise(setImmediate);
    controller.abort();
    await Promise.all([...before, rejected]);
    expect(order.indexOf("aborted")).toBeLessThan(9);
    expect((await net().segment(image)).labels.width).toBe(123);
  });

  test("a signal given to load ends every call", async () => {
    const controller = new AbortController();
    await using own = await load(weights, { runtime, signal: controller.signal });
    await own.segment(image);
    controller.abort(new Error("over"));
    await expect(own.segment(image)).rejects.toThrow("over");
    await expect(load(weights, { runtime, signal: controller.signal })).rejects.toThrow("over");
  });

  test("disposing waits for what was asked, does no harm twice, and ends all use", async () => {
    const own = await load(weights, { runtime });
    const asked = own.segment(image);
    const disposed = Promise.all([own.dispose(), own.dispose()]);
    expect((await asked).labels.width).toBe(123);
    await disposed;
    await own[Symbol.asyncDispose]();
    await expect(own.segment(image)).rejects.toThrow(/disposed of; load it again/);
    await expect(own.segment(image)).rejects.toMatchObject({ code: "usage" });
  });

  test("bad input: what was expected, what was found", async () => {
    const rgba = { width: 4, height: 4, data: new Uint8Array(64) };
    await expect(net().segment(rgba)).rejects.toThrow(/3 \* height \* width bytes of RGB, found 64 for 4x4/);
    const empty = { width: 4, height: 4 } as RgbImage;
    await expect(net().segment(empty)).rejects.toThrow(
      /or its pixels { width, height, data }, found {"width":4,"height":4}$/,
    );
    await expect(net().segment("nowhere.jpg")).rejects.toMatchObject({ code: "data" });
    await expect(net().segment(image, { scales: [0] })).rejects.toThrow(
      /scales: expected numbers above 0, found \[0\]/,
    );
    await expect(net().segment(image, { crop: 1.5 })).rejects.toThrow(/crop: expected a whole number/);
    const floats = { width: 1, height: 1, data: Float32Array.of(0.5, 0.5, 0.5) } as unknown as RgbImage;
    await expect(net().segment(floats)).rejects.toThrow(/bytes of RGB, found a Float32Array for 1x1/);
  });
});

describe("what is no photograph, and options that are none, are refused", () => {
  const PHOTOGRAPH = "the path or the bytes (Uint8Array) of a photograph, or its pixels { width, height, data }";

  test.each<[unknown, string]>([
    [undefined, "undefined"],
    [null, "null"],
    [3, "3"],
    [[1, 2], "[1,2]"],
    [{}, "{}"],
    [new ArrayBuffer(4), "an ArrayBuffer"],
    [new URL("https://example.org/a.jpg"), "a URL"],
    [Promise.resolve("photo.jpg"), "a Promise"],
    [() => "photo.jpg", "a function"],
  ])("%o", async (source, found) => {
    const message = `segment: expected ${PHOTOGRAPH}, found ${found}`;
    for (const call of ["segment", "labels", "probabilities", "logits"] as const)
      await expect(torch[call](source as never)).rejects.toMatchObject({ name: "PspnetError", code: "usage", message });
  });

  test.each(["https://example.org/a.jpg", "file:///photo.jpg"])("%s", async (url) => {
    const message = expect.stringMatching(/^\w+:\/\/.*: expected the path of \w.*, found a URL; (fetch|take)/);
    await expect(torch.segment(url)).rejects.toMatchObject({ code: "usage", message });
    await expect(load(url)).rejects.toMatchObject({ code: "usage", message });
  });

  test.each<[unknown, string]>([
    [undefined, "undefined"],
    ["photo.jpg", '"photo.jpg"'],
    [new Uint8Array(3), "a Uint8Array"],
  ])("many: %o", async (sources, found) => {
    const message = `segmentAll: expected an array, or anything else to loop over, of photographs, found ${found}`;
    await expect(torch.segmentAll(sources as never).next()).rejects.toMatchObject({ code: "usage", message });
  });

  test.each<[Record<string, unknown> | null, string]>([
    [null, "expected options, found null"],
    [{ scales: 2 }, "scales: expected numbers above 0, found 2"],
    [{ scales: [Number.POSITIVE_INFINITY] }, "scales: expected numbers above 0, found "],
    [{ flip: "yes" }, 'flip: expected true or false, found "yes"'],
    [{ crop: "473" }, 'crop: expected a whole number above 0, [height, width] or null, found "473"'],
    [{ baseSize: 0 }, "baseSize: expected a whole number above 0, [long, short] of such, or null, found 0"],
    [{ baseSize: [512] }, "baseSize: expected a whole number above 0, [long, short] of such, or null, found [512]"],
    [{ protocol: "toString" }, 'protocol: expected one of semseg, caffe, mmseg, mmseg-slide, csail, found "toString"'],
    [{ rules: { sizes: "long" } }, "rules: expected a protocol's rules (sizes: long | long+1 | fit | short"],
    [{ signal: {} }, "signal: expected an AbortSignal, found {}"],
    [{ onProgress: 3 }, "onProgress: expected a function, found 3"],
  ])("%o", async (options, message) => {
    const refusal = (call: string) => ({ code: "usage", message: expect.stringContaining(`${call}: ${message}`) });
    await expect(load(weights, options as never)).rejects.toMatchObject(refusal("load"));
    await expect(torch.segment(image, options as never)).rejects.toMatchObject(refusal("segment"));
    await expect(torch.segmentAll([image], options as never).next()).rejects.toMatchObject(refusal("segmentAll"));
  });

  test.each([0, 1.5, Number.NaN, "0.5", () => -1])("smooth: %s", async (smooth) => {
    const message = expect.stringMatching(/^segmentAll: smooth: expected a share above 0 to 1, or a function that/);
    const options = { smooth } as { smooth: number };
    await expect(torch.segmentAll([image], options).next()).rejects.toMatchObject({ code: "usage", message });
  });
});

describe.each(["torch", "onnx"] as const)("on %s", (runtime) => {
  test("a photograph may go to another thread, or shrink, as soon as it is asked about", async () => {
    await using net = await load(weights, { runtime, precision: "fp32" });
    const expected = (await net.segment(image)).labels;
    const Resizable = ArrayBuffer as unknown as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const shrinking = new Resizable(image.data.length, { maxByteLength: image.data.length });
    for (const buffer of [new ArrayBuffer(image.data.length), shrinking]) {
      const data = new Uint8Array(buffer);
      data.set(image.data);
      const asked = net.segment({ ...image, data });
      if (buffer === shrinking) (buffer as unknown as { resize(length: number): void }).resize(0);
      else structuredClone(data, { transfer: [buffer] });
      expect(data.length).toBe(0);
      expect((await asked).labels).toEqual(expected);
    }
  });

  test("logits that are not finite are an error, whatever the protocol, never a class", async () => {
    await using net = await load(overflowing(weights), { runtime, precision: "fp32" });
    for (const options of [{}, WINDOWS]) await expect(net.segment(image, options)).rejects.toThrow(/finite/);
  });
});

test("onnxruntime computes off the event loop", async () => {
  const large = makeScene({ width: 640, height: 480, seed: 4, index: 0 }).image;
  await onnx.segment(large);
  const late = await lateness(() => onnx.segment(large, { scales: [1, 1.1] }));
  expect(late.worst).toBeLessThan(late.took / 2);
});

/** How late a timer of 5 ms comes at worst while something is done. */
async function lateness(work: () => Promise<unknown>): Promise<{ worst: number; took: number }> {
  const start = performance.now();
  let [done, worst] = [false, 0];
  const all = work().then(() => {
    done = true;
  });
  while (!done) {
    const before = performance.now();
    await setTimeout(5);
    worst = Math.max(worst, performance.now() - before - 5);
  }
  await all;
  return { worst, took: performance.now() - start };
}

describe("weights that cannot be used", () => {
  test("no file, no safetensors, no description", async () => {
    await expect(load(join(folder, "nowhere.safetensors"))).rejects.toMatchObject({
      code: "usage",
      message: expect.stringMatching(/nowhere\.safetensors: expected a readable weights file/),
    });
    await expect(load(new Uint8Array(4))).rejects.toMatchObject({ code: "format" });
  });

  test("neither a path nor bytes", async () => {
    await expect(load(null as never)).rejects.toThrow(
      /^weights: expected the path or the bytes \(Uint8Array\) of a file, found null$/,
    );
    await expect(load(weights.buffer as never)).rejects.toMatchObject({ code: "usage" });
  });

  test.each([
    [{ runtime: null }, /^load: runtime: expected one of auto, torch, onnx, found null$/],
    [{ reproducible: 1 }, /^load: reproducible: expected true or false, found 1$/],
    [{ runtime: "cuda" }, /^load: runtime: expected one of auto, torch, onnx, found "cuda"$/],
    [{ device: "gpu" }, /^load: device: expected one of auto, cpu, cuda, found "gpu"$/],
    [{ threads: -3 }, /^load: threads: expected a whole number, 0 for one per core, found -3$/],
    [{ threads: Number.NaN }, /^load: threads: expected a whole number, .*, found NaN$/],
    [{ threads: 1.5 }, /^load: threads: .* found 1\.5$/],
    [{ threads: "2" }, /^load: threads: .* found "2"$/],
    [{ precision: "half" }, /^load: precision: expected one of auto, fp32, bf16, fp16, int8, found "half"$/],
  ])("%j, which there is not, is refused", async (options, message) => {
    await expect(load(weights, options as NetworkOptions)).rejects.toThrow(message);
  });

  test.each(["torch", "onnx"] as const)("tensors of other shapes are told when loading on %s", async (runtime) => {
    const other = randomWeights(
      pspnetConfig({ classes: CLASSES, layers: 34, width: 8, headChannels: 32, auxChannels: 8 }),
    );
    const mixed = Buffer.from(
      Buffer.from(other).toString("latin1").replace('\\"layers\\":34', '\\"layers\\":18'),
      "latin1",
    );
    const error = await load(mixed, { runtime }).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(PspnetError);
    expect(error).toMatchObject({ code: "weights" });
  });

  test("more threads than there can be are refused", async () => {
    await expect(load(weights, { runtime: "torch", threads: 100_000 })).rejects.toThrow(
      /^threads=100000: .* from 1 to \d+, found 100000.*; 0 takes one per core$/,
    );
  });

  test("fp16 on a processor is refused", async () => {
    await expect(load(weights, { runtime: "torch", device: "cpu", precision: "fp16" })).rejects.toThrow(
      /^precision=fp16: expected device=cuda, found cpu; take precision=auto, bf16 or fp32$/,
    );
  });

  test("what onnxruntime cannot do is told with what can", async () => {
    for (const precision of ["bf16", "fp16"] as const) {
      await expect(load(weights, { runtime: "onnx", precision })).rejects.toThrow(
        new RegExp(`found precision=${precision}; use runtime=torch`),
      );
    }
    await expect(load(weights, { runtime: "onnx", device: "cuda" })).rejects.toThrow(/found device=cuda/);
  });
});

test("weights given as bytes may be changed afterwards", async () => {
  const own = Uint8Array.from(weights);
  await using net = await load(own, { runtime: "onnx" });
  own.fill(0, 0, 64);
  const pixels: RgbImage = image;
  expect((await net.segment(pixels)).labels).toEqual((await onnx.segment(pixels)).labels);
});
