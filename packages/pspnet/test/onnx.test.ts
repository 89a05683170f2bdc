/** Exported models in onnxruntime-node against the same networks in libtorch. `scripts/onnx/checkParity.mjs` does full-size ones. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  alignedSize,
  exportOnnx,
  type NetworkFields,
  networkGraph,
  normalise,
  optimise,
  parseWeights,
  pspnetConfig,
  type RgbImage,
  randomWeights,
  type Size,
  upsampleLogits,
} from "@pspnet/core";
import { tensor } from "@pspnet/torch";
import { load, makeScene } from "pspnet";
import { describe, expect, test } from "vitest";
import {
  answer,
  eagerly,
  exported,
  onnxRuntime,
  open,
  relativeError,
  type SmallNetwork,
  smallNetwork,
} from "./support/onnx.js";
import { reproducibleImage, words } from "./support/reproducible.js";

const FORMS: NetworkFields[] = [
  { layers: 18 },
  { layers: 50 },
  { layers: 50, stem: "plain", strideIn: "1x1", ceilPool: true, alignCorners: false },
  { layers: 18, stem: "plain", pool: "max", bins: [1, 2, 3, 6] },
  { layers: 18, pool: "max", reduction: false, bins: [1, 3], ceilPool: true },
  { layers: 18, alignCorners: false, bins: [2, 4], concatOrder: "descending" },
  { layers: 18, outputStride: 16, firstDilation: "halved", bins: [1] },
  { layers: 18, ppm: false, alignCorners: false },
  { layers: 18, alignCorners: "asymmetric" },
];
/** Sizes of the official release, and ones that nothing divides. */
const SIZES = [
  [1, 97, 97],
  [2, 50, 71],
  [1, 33, 17],
] as const;
const LARGE = [1, 225, 289] as const;

const float32 = (data: Float32Array, shape: readonly number[]) => ({ dtype: "float32", data, shape }) as const;

/** Of images padded to where corners are aligned: enlarged and cut to the images, or as the network makes them. */
function eagerLogits(
  { eager, config }: SmallNetwork,
  [n, h, w]: readonly [number, number, number],
  full: boolean,
): Float32Array {
  const { height, width } = alignedSize({ height: h, width: w }, config);
  return eagerly(() => {
    const images = tensor(reproducibleImage([n, h, w]), [n, 3, h, w]).pad([0, width - w, 0, height - h]);
    const { out } = eager.forward(images);
    return full ? upsampleLogits(out, [height, width], config).narrow(2, 0, h).narrow(3, 0, w) : out;
  });
}

/** For each pixel of a batch the class of the largest of `[n, classes, pixels]`. */
function argmax(logits: Float32Array, { n, classes }: { readonly n: number; readonly classes: number }): Uint8Array {
  const pixels = logits.length / n / classes;
  return Uint8Array.from({ length: n * pixels }, (_, i) => {
    const start = Math.floor(i / pixels) * classes * pixels + (i % pixels);
    let best = 0;
    for (let c = 1; c < classes; c++) if (logits[start + c * pixels] > logits[start + best * pixels]) best = c;
    return best;
  });
}

const agreement = (found: ArrayLike<number>, expected: Uint8Array) =>
  found.length === expected.length ? expected.filter((id, i) => id === found[i]).length / expected.length : Number.NaN;

/** The upper left of a scene. */
function photograph({ height, width }: Size): RgbImage {
  const SMALLEST = 32;
  const { image } = makeScene({
    width: Math.max(width, SMALLEST),
    height: Math.max(height, SMALLEST),
    seed: 2,
    index: 0,
  });
  const data = new Uint8Array(3 * height * width);
  for (let y = 0; y < height; y++) {
    const start = 3 * y * image.width;
    data.set(image.data.subarray(start, start + 3 * width), 3 * y * width);
  }
  return { height, width, data };
}

describe.skipIf(!onnxRuntime)("in onnxruntime-node", () => {
  describe.each(FORMS)("%j, one file for all sizes", (form) => {
    const network = smallNetwork(form);
    const { classes } = network.config;

    test("gives libtorch's logits within 1e-4 and its labels", async () => {
      const logits = await open(exported(network).model);
      const labels = await open(exported(network, { output: "labels" }).model);
      for (const size of form.stem ? SIZES : [...SIZES, LARGE]) {
        const [n, h, w] = size;
        const images = float32(reproducibleImage(size), [n, 3, h, w]);
        const expected = eagerLogits(network, size, true);
        const found = await answer(logits, images);
        expect(found.dims).toEqual([n, classes, h, w]);
        expect(relativeError(found.data as Float32Array, expected), `${size}`).toBeLessThan(1e-4);
        const ids = await answer(labels, images);
        expect([ids.type, ids.dims]).toEqual(["uint8", [n, h, w]]);
        const best = argmax(expected, { n, classes });
        expect(new Set(best).size).toBeGreaterThan(1);
        expect(agreement(ids.data as Uint8Array, best), `${size}`).toBeGreaterThan(0.9999);
      }
    });

    test.each([
      [97, 145],
      [92, 143],
    ])("and a file of the fixed size %ix%i gives them too", async (height, width) => {
      const images = float32(reproducibleImage([2, height, width]), [2, 3, height, width]);
      const session = await open(exported(network, { output: "logits8", size: { height, width } }).model);
      const found = await answer(session, images);
      const expected = eagerLogits(network, [2, height, width], false);
      expect(relativeError(found.data as Float32Array, expected)).toBeLessThan(1e-4);
      const enlarged = await answer(await open(exported(network, { size: { height, width } }).model), images);
      const whole = eagerLogits(network, [2, height, width], true);
      expect(relativeError(enlarged.data as Float32Array, whole)).toBeLessThan(1e-4);
      await expect(answer(session, float32(reproducibleImage([1, 97, 97]), [1, 3, 97, 97]))).rejects.toThrow(
        /dimension/,
      );
    });
  });

  test.each<NetworkFields>([{}, { alignCorners: false, outputStride: 16 }])(
    "by Winograd, %j, it is the same network, for any size and for one",
    async (form) => {
      const network = smallNetwork({ layers: 18, width: 32, headChannels: 128, ...form });
      const winograd = (size: "any" | Size) => exported(network, { output: "logits8", winograd: true, size }).model;
      expect(Buffer.from(winograd("any")).includes("winograd.output")).toBe(true);
      const any = await open(winograd("any"));
      for (const size of [...SIZES, [1, 61, 93]] as const) {
        const [n, height, width] = size;
        const images = float32(reproducibleImage(size), [n, 3, height, width]);
        const expected = eagerLogits(network, size, false);
        for (const session of n === 2 ? [any, await open(winograd({ height, width }))] : [any]) {
          const { data } = await answer(session, images);
          expect(relativeError(data as Float32Array, expected), `${size}`).toBeLessThan(1e-5);
        }
      }
    },
  );

  describe("labels are those of segment, from one file for all sizes and one for each", () => {
    const config = pspnetConfig({ classes: 12, layers: 18, width: 8, headChannels: 32, aux: false });
    const weights = randomWeights(config, { seed: 5 });
    const { description, state } = parseWeights(weights);
    const graph = optimise(networkGraph(config, state));

    test.each([
      [160, 160],
      [1, 1],
      [37, 50],
      [500, 381],
      [473, 473],
      [713, 1425],
    ])("%ix%i", async (height, width) => {
      const image = photograph({ height, width });
      const network = await load(weights, { runtime: "torch", precision: "fp32" });
      const { labels } = await network.segment(image);
      await network.dispose();
      expect(new Set(labels.data).size).toBeGreaterThan(height === 1 ? 0 : 2);
      for (const size of ["any", { height, width }] as const) {
        const { model } = exportOnnx(graph, description, { output: "labels", preprocess: true, size });
        const images = { dtype: "uint8", data: image.data, shape: [1, height, width, 3] } as const;
        const found = await answer(await open(model), images);
        expect(found.dims).toEqual([1, height, width]);
        expect(agreement(found.data as Uint8Array, labels.data)).toBeGreaterThanOrEqual(0.9999);
      }
    });
  });

  const network = smallNetwork({ layers: 18 });
  const { classes } = network.config;
  const [h, w] = [97, 145];
  const size = [1, h, w] as const;
  const images = float32(reproducibleImage(size), [1, 3, h, w]);

  test("several outputs are those of a file each, and the weights are there once", async () => {
    const output = ["labels", "logits8", "probabilities", "logits"] as const;
    const { model } = exported(network, { output });
    const session = await open(model);
    expect(session.outputNames).toEqual(output);
    const { Tensor } = onnxRuntime!;
    const found = await session.run({ image: new Tensor("float32", images.data, images.shape) });
    for (const name of output) {
      const alone = exported(network, { output: name }).model;
      const expected = await answer(await open(alone), images);
      expect(found[name].dims).toEqual(expected.dims);
      expect(relativeError(found[name].data as Float32Array, expected.data as Float32Array), name).toBeLessThan(1e-6);
      expect(model.byteLength).toBeLessThan(alone.byteLength + 20_000);
    }
  });

  test("probabilities are the softmax of the logits", async () => {
    const session = await open(exported(network, { output: "probabilities", size: { height: h, width: w } }).model);
    const { data } = await answer(session, images);
    const expected = eagerly(() => tensor(eagerLogits(network, size, true), [1, classes, h, w]).softmax(1));
    expect(relativeError(data as Float32Array, expected)).toBeLessThan(1e-5);
  });

  test.each(["any", { height: h, width: w }] as const)(
    "float16 of size %j is half as large and gives nearly the same",
    async (fixed) => {
      const options = { output: "labels", size: fixed } as const;
      const file = exported(network, { ...options, dtype: "fp16" });
      expect(file.model.byteLength).toBeLessThan(0.6 * exported(network, options).model.byteLength);
      const ids = await answer(await open(file.model), images);
      const expected = eagerLogits(network, size, true);
      expect(agreement(ids.data as Uint8Array, argmax(expected, { n: 1, classes }))).toBeGreaterThan(0.99);
      for (const [output, full] of [
        ["logits", true],
        ["logits8", false],
      ] as const) {
        const session = await open(exported(network, { output, dtype: "fp16", size: fixed }).model);
        const { data, type } = await answer(session, images);
        expect(type).toBe("float32");
        expect(relativeError(data as Float32Array, eagerLogits(network, size, full))).toBeLessThan(0.01);
      }
    },
  );

  test.each([
    ["rgb", "fp32", 1e-4],
    ["bgr", "fp32", 1e-4],
    ["bgr", "fp16", 0.01],
  ] as const)("a photograph's bytes are normalised inside, %s in %s", async (channelOrder, dtype, tolerance) => {
    const input = { ...network.config.input, channelOrder };
    const description = { ...network.description, config: { ...network.config, input } };
    const photographs = [0, 1].map((i) => Uint8Array.from(words(`photo ${i}`, 3 * h * w), (word) => word >>> 24));
    const { model } = exported({ ...network, description }, { preprocess: true, dtype, output: "logits8" });
    const data = Uint8Array.from(photographs.flatMap((bytes) => [...bytes]));
    const found = await answer(await open(model), { dtype: "uint8", data, shape: [2, h, w, 3] });
    const planes = photographs.flatMap((data) => [...normalise({ width: w, height: h, data }, input)]);
    const expected = eagerly(() => network.eager.forward(tensor(Float32Array.from(planes), [2, 3, h, w])).out);
    expect(relativeError(found.data as Float32Array, expected)).toBeLessThan(tolerance);
  });

  test("weights too large for the file are found beside it", async () => {
    const folder = await mkdtemp(join(tmpdir(), "pspnet-onnx-"));
    try {
      const { model, externalData } = exported(network, { externalData: { location: "net.onnx.data", above: 10_000 } });
      expect(model.byteLength).toBeLessThan(0.2 * exported(network).model.byteLength);
      await writeFile(join(folder, "net.onnx"), model);
      await writeFile(join(folder, externalData!.location), externalData!.pieces as Uint8Array[]);
      const { data } = await answer(await open(join(folder, "net.onnx")), images);
      expect(relativeError(data as Float32Array, eagerLogits(network, size, true))).toBeLessThan(1e-4);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
