/** Images of other channels than a photograph's: infrared, X-ray, several modalities or spectral bands. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PSPNet, random } from "@pspnet/core";
import { backend } from "@pspnet/torch";
import { encode } from "fast-png";
import {
  type Image,
  load,
  loadModel,
  loadTrainConfig,
  type NetworkFields,
  type PSPNetFields,
  pspnetConfig,
  type RgbImage,
  randomWeights,
  readImage,
  readSafetensors,
  train,
  validateTrainConfig,
} from "pspnet";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createNetwork } from "../src/train/network.js";
import { eagerly, exported, onnxRuntime, open, relativeError, smallNetwork } from "./support/onnx.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-channels-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const SMALL = { layers: 18, width: 8, headChannels: 16, auxChannels: 8 } as const satisfies NetworkFields;

/** What images of so many channels are normalised by. */
const inputOf = (channels: number) => ({
  mean: Array.from({ length: channels }, (_, c) => 0.4 + 0.05 * c),
  std: Array.from({ length: channels }, (_, c) => 0.2 + 0.02 * c),
});

function noise(channels: number, [height, width]: readonly [number, number], seed = 0): Image {
  const generator = random(seed);
  const data = Uint8Array.from({ length: channels * height * width }, () => 256 * generator.next());
  return { width, height, channels, data };
}

const png = ({ width, height, data, channels = 3 }: Image) => encode({ width, height, data, channels, depth: 8 });

describe("readImage", () => {
  test.each([1, 2, 4])("gives the %i channels of a PNG as they are", async (channels) => {
    const image = noise(channels, [5, 7]);
    expect(await readImage(png(image), { channels })).toEqual(image);
  });

  test("gives colours below an alpha of 0, and 16 bits their upper 8", async () => {
    const clear = { width: 1, height: 1, channels: 4, data: Uint8Array.of(200, 100, 50, 0) };
    expect(await readImage(png(clear), { channels: 4 })).toEqual(clear);
    const deep = Uint16Array.of(255, 256, 0x1234, 0xffff);
    const grey = encode({ width: 4, height: 1, channels: 1, depth: 16, data: deep });
    expect([...(await readImage(grey, { channels: 1 })).data]).toEqual([0, 1, 0x12, 255]);
    const four = encode({ width: 1, height: 1, channels: 4, depth: 16, data: deep });
    expect([...(await readImage(four, { channels: 4 })).data]).toEqual([0, 1, 0x12, 255]);
  });

  test.each([1, 3, 4])("gives the %i channels of a TIFF", async (channels) => {
    const { data, width, height } = noise(channels, [4, 6]);
    const raw = { width, height, channels: channels as 1 | 3 | 4 };
    const tiff = await sharp(data, { raw })
      .toColourspace(channels === 1 ? "b-w" : "srgb")
      .tiff({ compression: "none" })
      .toBuffer();
    expect((await readImage(tiff, { channels })).data).toEqual(data);
  });

  test("makes three of grey and of four for photographs, as before", async () => {
    const [grey, four] = [noise(1, [3, 3]), noise(4, [3, 3])];
    expect((await readImage(png(grey))).data).toEqual(
      Uint8Array.from({ length: 27 }, (_, i) => grey.data[Math.floor(i / 3)]),
    );
    expect((await readImage(png(four))).data).toEqual(four.data.filter((_, i) => i % 4 < 3));
  });

  test.each([
    [3, 4],
    [4, 1],
    [1, 4],
    [2, 1],
  ])("refuses a file of %i channels for %i, by its name", async (there, wanted) => {
    const file = join(folder, "other.png");
    await writeFile(file, png(noise(there, [2, 2])));
    const channels = wanted === 1 ? "1 channel" : `${wanted} channels`;
    await expect(readImage(file, { channels: wanted })).rejects.toMatchObject({
      code: "data",
      message: expect.stringContaining(
        `${file}: expected ${channels}, one for each number of model.input.mean, found ${there}`,
      ),
    });
  });
});

describe("a configuration", () => {
  const config = (changes: object) => validateTrainConfig({ data: { root: "." }, ...changes }, "test");

  test("has a channel for each number of model.input.mean", () => {
    expect(config({ model: { input: inputOf(1) } }).model.input.mean).toEqual([0.4]);
  });

  test.each<[object, string]>([
    [
      { model: { input: { mean: [0.1, 0.2, 0.3, 0.4] } } },
      "model.input.std: expected as many numbers as input.mean has, 4",
    ],
    [{ model: { input: { mean: [] } } }, "model.input.mean: expected numbers from 0 to 1, one a channel"],
    [
      { model: { input: { ...inputOf(4), channelOrder: "bgr" } } },
      "model.input.channelOrder: expected rgb, each channel in its own place, for the 4 of input.mean",
    ],
    [
      { model: { input: inputOf(4) }, augment: { photometric: true } },
      "augment.photometric: expected false for images of 4 channels (model.input.mean), found true",
    ],
  ])("%j is refused", (changes, message) => {
    expect(() => config(changes)).toThrow(message);
  });
});

describe.each([1, 4])("a network of %i channels", (channels) => {
  const fields: PSPNetFields = { ...SMALL, classes: 6, input: inputOf(channels) };

  test.each(["resnet", "densenet", "mobilenetv2", "squeezenet"] as const)(
    "on a %s has a first convolution of as many",
    (kind) => {
      const net = new PSPNet(pspnetConfig({ classes: 6, backbone: { kind }, input: inputOf(channels) }));
      const [stem] = net.stateDict().values();
      expect(stem.shape[1]).toBe(channels);
    },
  );

  test.skipIf(!onnxRuntime)("finds the same with libtorch and onnxruntime: windows, scales, flips", async () => {
    const image = noise(channels, [61, 83]);
    const weights = randomWeights(pspnetConfig(fields), { seed: 5 });
    await using torch = await load(weights, { runtime: "torch", precision: "fp32", threads: 1 });
    await using onnx = await load(weights, { runtime: "onnx", threads: 1 });
    expect(relativeError(await torch.logits(image), await onnx.logits(image))).toBeLessThan(1e-4);
    for (const options of [{}, { scales: [0.75, 1.3], flip: true, crop: 57 }]) {
      const [a, b] = [await torch.probabilities(image, options), await onnx.probabilities(image, options)];
      expect(relativeError(a, b), JSON.stringify(options)).toBeLessThan(1e-4);
    }
    const { labels, overlay, colour } = await torch.segment(png(image));
    expect(new Set(labels.data).size).toBeGreaterThan(1);
    for (const picture of [overlay, colour]) expect(picture.data.length).toBe(3 * 61 * 83);
  });

  test("refuses other images, by name and by their pixels", async () => {
    await using net = await load(randomWeights(pspnetConfig(fields)), { threads: 1 });
    const found = /model\.input\.mean, found 3/;
    await expect(net.segment(png(noise(3, [8, 8])))).rejects.toThrow(found);
    for (const other of [noise(3, [8, 8]), { width: 8, height: 8, data: new Uint8Array(3 * 64) }])
      await expect(net.segment(other)).rejects.toThrow(
        `image: expected ${channels} * height * width bytes, found 192 for 8x8; the network's input.mean has ${channels} numbers`,
      );
  });

  test.skipIf(!onnxRuntime)("is exported as one of bytes and of normalised values", async () => {
    const network = smallNetwork({ layers: 18, input: inputOf(channels) });
    const { mean, std } = network.config.input;
    const { width, height, data } = noise(channels, [49, 57]);
    const bytes = { dtype: "uint8", data, shape: [1, height, width, channels] } as const;
    const plane = width * height;
    const planes = Float32Array.from({ length: channels * plane }, (_, i) => {
      const c = Math.floor(i / plane);
      return (data[channels * (i % plane) + c] / 255 - mean[c]) / std[c];
    });
    const { Tensor } = onnxRuntime!;
    const { tensor } = await import("@pspnet/torch");
    const expected = eagerly(() => network.eager.forward(tensor(planes, [1, channels, height, width])).out);
    const sessions = [
      [exported(network, { output: "logits8", preprocess: true }), new Tensor("uint8", bytes.data, bytes.shape)],
      [exported(network, { output: "logits8" }), new Tensor("float32", planes, [1, channels, height, width])],
    ] as const;
    for (const [{ model }, image] of sessions) {
      const { logits8 } = await (await open(model)).run({ image });
      expect(relativeError(logits8.data as Float32Array, expected)).toBeLessThan(1e-4);
    }
  });
});

test("a grey network sees what a photograph's sees in grey, where the first convolution is its sum", async () => {
  const grey = noise(1, [57, 65]);
  const rgb: RgbImage = {
    width: 65,
    height: 57,
    data: Uint8Array.from({ length: 3 * 57 * 65 }, (_, i) => grey.data[Math.floor(i / 3)]),
  };
  const same = (count: number) => ({ mean: Array(count).fill(0.45), std: Array(count).fill(0.22) });
  const file = join(folder, "photographs.safetensors");
  await writeFile(file, randomWeights(pspnetConfig({ ...SMALL, classes: 6, input: same(3) }), { seed: 5 }));
  const said: string[] = [];
  const config = validateTrainConfig({ data: { root: "." }, model: { ...SMALL, input: same(1) }, init: file }, "test");
  const model = await createNetwork(config, { classes: 6, backend: backend(), say: (line) => said.push(line) });
  expect(said.join()).toContain("layer0.0.weight of red, green and blue summed for 1 channel");
  const { model: photographs } = await loadModel(file, backend());
  const { tensor } = await import("@pspnet/torch");
  const values = (image: Image, channels: number) => {
    const plane = 57 * 65;
    return Float32Array.from(
      { length: channels * plane },
      (_, i) => (image.data[channels * (i % plane) + Math.floor(i / plane)] / 255 - 0.45) / 0.22,
    );
  };
  const [a, b] = [
    eagerly(() => model.eval().forward(tensor(values(grey, 1), [1, 1, 57, 65])).out),
    eagerly(() => photographs.eval().forward(tensor(values(rgb, 3), [1, 3, 57, 65])).out),
  ];
  expect(relativeError(a, b)).toBeLessThan(1e-4);
});

test.each(["rgb", "bgr"] as const)(
  "init of a photograph's network (%s) repeats its first convolution in turn for five channels",
  async (channelOrder) => {
    const file = join(folder, `${channelOrder}.safetensors`);
    await writeFile(file, randomWeights(pspnetConfig({ ...SMALL, classes: 6, input: { channelOrder } })));
    const said: string[] = [];
    const config = validateTrainConfig(
      { data: { root: "." }, model: { ...SMALL, input: inputOf(5) }, init: file, head: "new" },
      "test",
    );
    const model = await createNetwork(config, { classes: 4, backend: backend(), say: (line) => said.push(line) });
    expect(said).toEqual([
      expect.stringContaining("of red, green and blue repeated in turn and scaled by 3/5 for 5 channels"),
    ]);
    const before = readSafetensors(await readFile(file))
      .tensors.get("layer0.0.weight")!
      .float32();
    const after = model.stateDict().get("layer0.0.weight")!.value as unknown as { toArray(): Float32Array };
    const order = channelOrder === "rgb" ? [0, 1, 2, 0, 1] : [2, 1, 0, 2, 1];
    const expected = Float32Array.from({ length: 8 * 5 * 9 }, (_, i) => {
      const [o, c, k] = [Math.floor(i / 45), Math.floor(i / 9) % 5, i % 9];
      return (3 / 5) * before[(3 * o + order[c]) * 9 + k];
    });
    expect(relativeError(after.toArray(), expected)).toBeLessThan(1e-6);
  },
);

test("init of a network of four channels is refused by a photograph's", async () => {
  const file = join(folder, "four.safetensors");
  await writeFile(file, randomWeights(pspnetConfig({ ...SMALL, classes: 6, input: inputOf(4) })));
  const config = validateTrainConfig({ data: { root: "." }, model: SMALL, init: file }, "test");
  await expect(createNetwork(config, { classes: 6, backend: backend() })).rejects.toThrow("input.mean: [0.4,");
});

describe("training on four channels", () => {
  /** Noise in the first three; the fourth is bright where the second class is, from a column on. */
  async function dataset(root: string): Promise<void> {
    const [height, width] = [64, 72];
    for (const [split, count] of [
      ["train", 12],
      ["val", 4],
    ] as const) {
      for (const kind of ["images", "masks"]) await mkdir(join(root, split, kind), { recursive: true });
      for (let i = 0; i < count; i++) {
        const image = noise(4, [height, width], 100 * count + i);
        const column = 16 + ((i * 11) % 40);
        const mask = Uint8Array.from({ length: height * width }, (_, p) => (p % width >= column ? 1 : 0));
        for (const [p, id] of mask.entries())
          image.data[4 * p + 3] = (id === 1 ? 150 : 30) + (image.data[4 * p + 3] >> 3);
        await writeFile(join(root, split, "images", `${i}.png`), png(image));
        await writeFile(
          join(root, split, "masks", `${i}.png`),
          encode({ width, height, data: mask, channels: 1, depth: 8 }),
        );
      }
    }
  }
  const settings = (root: string) => ({
    runs: join(folder, "runs"),
    data: { root, classes: ["dark", "bright"] },
    model: {
      backbone: { layers: 18, width: 8, stem: "plain" } as const,
      head: { channels: 16 },
      auxiliary: { channels: 8 },
      norm: { momentum: 0.3 },
      input: { mean: [0.5, 0.5, 0.5, 0.4], std: [0.29, 0.29, 0.29, 0.24] },
    },
    ...{ crop: 57, batch: 4, epochs: 7, lr: 0.05, headLrFactor: 1, validation: { every: 7 } },
    augment: { scaleMin: 1, scaleMax: 1, rotate: 0, blur: false },
    ...{ workers: 1, precision: "fp32" as const, threads: 1 },
  });

  test("learns in 21 steps a class that shows in the fourth alone, and predicts with either runtime", async () => {
    const root = join(folder, "four");
    await dataset(root);
    const { folder: run, state } = await train(settings(root));
    expect(state.step).toBe(21);
    expect(state.best?.meanIoU).toBeGreaterThan(0.8);
    const file = join(root, "val", "images", "0.png");
    const weights = join(run, "weights", "best.safetensors");
    await using torch = await load(weights, { runtime: "torch", precision: "fp32", threads: 1 });
    const labels = await torch.labels(file);
    const blind = await readImage(file, { channels: 4 });
    for (let i = 3; i < blind.data.length; i += 4) blind.data[i] = 102;
    const without = await torch.labels(blind);
    expect(labels.data.filter((id, i) => id !== without.data[i]).length).toBeGreaterThan(500);
    if (!onnxRuntime) return;
    await using onnx = await load(weights, { runtime: "onnx", threads: 1 });
    expect(relativeError(await onnx.logits(file), await torch.logits(file))).toBeLessThan(1e-4);
  });

  test("ends at a photograph of three, by its name", async () => {
    const root = join(folder, "three");
    await dataset(root);
    const file = join(root, "train", "images", "3.png");
    await writeFile(file, png(noise(3, [64, 72])));
    await expect(train(settings(root))).rejects.toThrow(`${file}: expected 4 channels`);
  });

  test("takes a configuration from a file with numbers for each channel", async () => {
    const file = join(folder, "four.yaml");
    await writeFile(file, "data: {root: x}\nmodel: {input: {mean: [0.1, 0.2], std: [0.3, 0.4]}}\n");
    expect((await loadTrainConfig(file, [], ".")).model.input).toMatchObject({ mean: [0.1, 0.2], std: [0.3, 0.4] });
  });
});
