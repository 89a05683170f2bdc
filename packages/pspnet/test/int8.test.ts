/** Networks in int8: the plan's kernels against whole numbers, and the path from `pspnet quantise` to labels on either runtime. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Node } from "@pspnet/core/graph";
import { exactInt8, keep, Plan, tensor } from "@pspnet/torch";
import {
  ConfusionMatrix,
  encodePng,
  type Graph,
  load,
  makeScene,
  type RecordedQuantisation,
  readSafetensors,
  sceneClasses,
  type WritableTensor,
  writeSafetensors,
  writeScenes,
} from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { boxedFile } from "../src/pull/boxed.js";
import { pspnet } from "./support/cli.js";
import { onnxRuntime } from "./support/onnx.js";
import { uniform } from "./support/reproducible.js";

interface Case {
  readonly channels: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly dilation?: number;
  readonly groups?: number;
  readonly residual?: "bytes" | "real";
  readonly activation?: "relu" | "relu6";
  /** Bytes where the output is quantised. */
  readonly output?: { readonly scale: number; readonly zeroPoint: number };
}

const [H, W] = [9, 11];
const INPUT = { scale: 0.25, zeroPoint: 3 };
const RESIDUAL = { scale: 2, zeroPoint: 100 };
/** Weights are multiples of it. */
const STEP = 1 / 64;
/** What every processor's sums of products stay within, see `exactInt8`; and the scale with which packed weights are multiples of STEP. */
const LEVELS = exactInt8() ? 127 : 64;
const SCALE = (STEP * LEVELS) / 127;

const wholes = (name: string, length: number, [low, high]: readonly [number, number]) =>
  Float32Array.from(uniform(name, length), (u) => Math.round(low + ((u + 1) / 2) * (high - low)));

/** The same in JavaScript: whole numbers, then one rounding to the nearest, the even one of two. */
function expected(told: Case, { x, weight, bias, residual }: Readonly<Record<string, Float32Array>>): Float32Array {
  const { channels, outputs, kernel, stride = 1, dilation = 1, groups = 1, activation, output } = told;
  const padding = (dilation * (kernel - 1)) / 2;
  const [h, w] = [H, W].map((side) => Math.floor((side - 1) / stride) + 1);
  const seen = channels / groups;
  return Float32Array.from({ length: outputs * h * w }, (_, index) => {
    const [o, i, j] = [Math.floor(index / (h * w)), Math.floor(index / w) % h, index % w];
    const first = Math.floor(o / (outputs / groups)) * seen;
    let sum = 0;
    for (let c = 0; c < seen; c++)
      for (let a = 0; a < kernel; a++)
        for (let b = 0; b < kernel; b++) {
          const [y, z] = [i * stride + a * dilation - padding, j * stride + b * dilation - padding];
          if (y < 0 || z < 0 || y >= H || z >= W) continue;
          sum +=
            (x[((first + c) * H + y) * W + z] - INPUT.zeroPoint) * weight[((o * seen + c) * kernel + a) * kernel + b];
        }
    let value = sum * INPUT.scale * STEP + bias[o];
    if (told.residual) value += (residual[index] - RESIDUAL.zeroPoint) * RESIDUAL.scale;
    if (activation) value = Math.max(0, value);
    if (activation === "relu6") value = Math.min(6, value);
    if (!output) return value;
    const level = nearestEven(value / output.scale) + output.zeroPoint;
    return (Math.max(0, Math.min(255, level)) - output.zeroPoint) * output.scale;
  });
}

function nearestEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

const real = (values: Float32Array, { scale, zeroPoint }: typeof INPUT) =>
  values.map((level) => (level - zeroPoint) * scale);

async function computed(told: Case, values: Readonly<Record<string, Float32Array>>): Promise<Float32Array> {
  const { channels, outputs, kernel, stride = 1, dilation = 1, groups = 1, activation = null, output = null } = told;
  const constant = (shape: readonly number[], data: Float32Array) => ({ dtype: "float32" as const, shape, data });
  const node = (name: string, operator: string, inputs: readonly string[], attributes: object) =>
    ({ name, operator, inputs, output: name, attributes }) as Node;
  const inBytes = told.residual === "bytes";
  const [h, w] = [H, W].map((side) => Math.floor((side - 1) / stride) + 1);
  const graph: Graph = {
    inputs: [{ name: "x", shape: [1, channels, H, W] }],
    initialisers: new Map([
      [
        "weight",
        constant(
          [outputs, channels / groups, kernel, kernel],
          values.weight.map((level) => level * STEP),
        ),
      ],
      ["scales", constant([outputs], new Float32Array(outputs).fill(SCALE))],
      ["bias", constant([outputs], values.bias)],
      ["given", constant([1, outputs, h, w], real(values.residual, RESIDUAL))],
    ]),
    nodes: [
      node("bytes", "quantise", ["x"], INPUT),
      ...(inBytes ? [node("added", "quantise", ["given"], RESIDUAL)] : []),
      node(
        "y",
        "quantisedConv2d",
        ["bytes", "weight", "scales", "bias", ...(told.residual ? [inBytes ? "added" : "given"] : [])],
        {
          ...{ stride, padding: (dilation * (kernel - 1)) / 2, dilation, groups, activation },
          ...{ input: INPUT, output, residual: inBytes ? RESIDUAL : null, inPlace: false },
        },
      ),
      ...(output ? [node("real", "dequantise", ["y"], output)] : []),
    ],
    outputs: new Map([["y", output ? "real" : "y"]]),
  };
  using plan = new Plan(graph, { precision: "fp32", usualSize: [H, W] });
  let found = new Float32Array();
  // A size's memory is laid out the second time, and used from the third on.
  for (let i = 0; i < 3; i++) {
    const y = await plan.run(tensor(real(values.x, INPUT), [1, channels, H, W]));
    found = Float32Array.from(y.toArray() as Float32Array);
    y.dispose();
  }
  return found;
}

describe("a convolution of bytes", () => {
  const output = { scale: 32, zeroPoint: 40 };
  test.each<Case>([
    { channels: 64, outputs: 32, kernel: 3, activation: "relu", output },
    { channels: 64, outputs: 32, kernel: 3, dilation: 2, output },
    { channels: 64, outputs: 32, kernel: 3, stride: 2, output },
    { channels: 3, outputs: 8, kernel: 3, output },
    { channels: 16, outputs: 16, kernel: 3, groups: 16, activation: "relu6", output: { scale: 0.5, zeroPoint: 0 } },
    { channels: 32, outputs: 64, kernel: 1, residual: "bytes", activation: "relu", output },
    { channels: 32, outputs: 64, kernel: 1 },
    { channels: 32, outputs: 64, kernel: 3, residual: "real", activation: "relu" },
  ])("is that of the whole numbers: %o", async (told) => {
    const { channels, outputs, kernel, stride = 1, groups = 1 } = told;
    const [h, w] = [H, W].map((side) => Math.floor((side - 1) / stride) + 1);
    const values = {
      x: wholes("x", channels * H * W, [0, 255]),
      // The largest too: what one sum can be.
      weight: wholes("weight", (outputs * channels * kernel ** 2) / groups, [-LEVELS, LEVELS]).fill(
        LEVELS,
        0,
        channels,
      ),
      bias: wholes("bias", outputs, [-100, 100]),
      residual: wholes("residual", outputs * h * w, [0, 255]),
    };
    const found = await computed(told, values);
    const right = expected(told, values);
    const largest = right.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value - right[i])), 0);
    // A scale that is no power of two may round otherwise what lies in the middle of two steps.
    expect(worst).toBeLessThanOrEqual(1e-5 * largest + (exactInt8() ? 0 : (told.output?.scale ?? 0)));
  });
});

test("pools of bytes are those of what they stand for", async () => {
  const [h, w] = [13, 10];
  const as = { scale: 0.5, zeroPoint: 7 };
  const x = wholes("pools", 2 * 40 * h * w, [0, 255]);
  const node = (name: string, operator: string, inputs: readonly string[], attributes: object) =>
    ({ name, operator, inputs, output: name, attributes }) as Node;
  const run = async (output: string, pool = { kernelSize: 3, stride: 2, padding: 1, ceilMode: false }) => {
    const graph: Graph = {
      inputs: [{ name: "x", shape: [2, 40, h, w] }],
      initialisers: new Map(),
      nodes: [
        node("bytes", "quantise", ["x"], as),
        node("pooled", "maxPool2d", ["bytes"], pool),
        node("bytewise", "dequantise", ["pooled"], as),
        node("max", "maxPool2d", ["x"], pool),
        node("means", "adaptiveAvgPoolOfBytes", ["bytes"], { ...as, bins: 3 }),
        node("mean", "adaptiveAvgPool2d", ["x"], { bins: 3 }),
      ],
      outputs: new Map([["y", output]]),
    };
    using plan = new Plan(graph, { precision: "fp32", usualSize: [h, w] });
    using y = keep(await plan.run(tensor(real(x, as), [2, 40, h, w])));
    return Float32Array.from(y.toArray() as Float32Array);
  };
  expect(await run("bytewise")).toEqual(await run("max"));
  const caffe = { kernelSize: 3, stride: 2, padding: 0, ceilMode: true };
  expect(await run("bytewise", caffe)).toEqual(await run("max", caffe));
  const [found, right] = [await run("means"), await run("mean")];
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(right[i], 3);
});

let folder: string;
let quantised: string;
let told: Readonly<Record<string, unknown>>;
const env = { OMP_NUM_THREADS: "1" };
const quantise = (...args: readonly string[]) => pspnet(["quantise", ...args], { cwd: folder, env });
const failure = async (...args: readonly string[]) => (await pspnet(args, { cwd: folder, env })).err;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-int8-"));
  await writeScenes({ folder: join(folder, "scenes"), train: 12, val: 16, width: 160, height: 128, seed: 3 });
  quantised = join(folder, "scenes.int8.safetensors");
  const images = ["--images", "scenes/train/images", "--data", "scenes", "--count", "8"];
  const { out, err, code } = await quantise(boxedFile(), ...images, "--out", quantised, "--json");
  expect({ err, code }).toMatchObject({ code: 0 });
  told = JSON.parse(out);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("the network in the box", () => {
  test("loses less than a point of mIoU, which its file says, in a quarter of the bytes of float32", async () => {
    const { fp32, int8 } = told.meanIoU as { readonly fp32: number; readonly int8: number };
    expect(fp32).toBeGreaterThan(0.35);
    expect(Math.abs(fp32 - int8)).toBeLessThan(0.01);
    const bytes = await readFile(quantised);
    expect(bytes.length).toBeLessThan((await readFile(boxedFile())).length * 0.6);
    const { quantisation } = readSafetensors(bytes).metadata;
    const { outcome, calibration } = JSON.parse(quantisation) as RecordedQuantisation;
    expect(outcome).toMatch(/^mIoU [\d.]+ %, float32 [\d.]+ %: -?[\d.]+ points lost on 16 images of scenes$/);
    expect(calibration).toBe("percentile 99.99 of 8 images");
  });

  test("quantised once more is the same file", async () => {
    const again = join(folder, "again.safetensors");
    const images = ["--images", "scenes/train/images", "--data", "scenes", "--count", "8"];
    expect(await quantise(boxedFile(), ...images, "--out", again)).toMatchObject({ code: 0 });
    expect((await readFile(again)).equals(await readFile(quantised))).toBe(true);
  });

  test.each(["int8", "fp32"] as const)("scores so in %s, on either runtime", async (precision) => {
    const labels = [];
    for (const runtime of onnxRuntime ? (["torch", "onnx"] as const) : (["torch"] as const)) {
      await using net = await load(quantised, { precision, runtime, threads: 1 });
      const confusion = new ConfusionMatrix(sceneClasses.names.length);
      const maps = [];
      for (let index = 0; index < 4; index++) {
        const { image, label } = makeScene({ width: 200, height: 150, seed: 5, index });
        const { data } = await net.labels(image);
        confusion.add(data, label.data);
        maps.push(data);
      }
      expect(confusion.scores().pixelAccuracy).toBeGreaterThan(0.65);
      labels.push(maps);
    }
    const agreement = new ConfusionMatrix(sceneClasses.names.length);
    for (const [i, map] of labels[0].entries()) agreement.add(map, (labels[1] ?? labels[0])[i]);
    expect(agreement.scores().pixelAccuracy).toBeGreaterThan(0.99);
  });

  test.skipIf(!onnxRuntime)("is an ONNX file of int8 weights whose labels are the plan's", async () => {
    const model = join(folder, "q.onnx");
    const flags = ["--dtype", "int8", "--output", "labels", "--preprocess", "--out", model];
    expect(await pspnet(["export", quantised, ...flags], { env })).toMatchObject({ code: 0 });
    const { image } = makeScene({ width: 200, height: 150, seed: 5, index: 0 });
    const session = await onnxRuntime!.InferenceSession.create(model, { intraOpNumThreads: 1 });
    const given = new onnxRuntime!.Tensor("uint8", image.data, [1, image.height, image.width, 3]);
    const { labels } = await session.run({ image: given });
    await using net = await load(quantised, { precision: "int8", runtime: "torch", threads: 1 });
    expect(net.arithmetic).toBe("cpu in int8");
    const agreement = new ConfusionMatrix(sceneClasses.names.length);
    agreement.add(labels.data as Uint8Array, (await net.labels(image)).data);
    expect(agreement.scores().pixelAccuracy).toBeGreaterThan(0.99);
    expect((await readFile(model)).length).toBeLessThan(2_000_000);
  });
});

describe("is refused:", () => {
  const images = ["--images", "scenes/train/images"];

  test("int8 of weights that were not quantised", async () => {
    const mend = /expected weights with ranges, found none; make them with `pspnet quantise`/;
    const photo = "scenes/val/images/00000.png";
    expect(await failure("predict", boxedFile(), photo, "--precision", "int8")).toMatch(mend);
    expect(await failure("export", boxedFile(), "--dtype", "int8", "--out", join(folder, "no.onnx"))).toMatch(mend);
    expect(await failure("bench", "--precision", "int8")).toMatch(/a network of random weights.*pspnet quantise/);
  });

  test("a folder without images, and one whose images are none", async () => {
    await mkdir(join(folder, "none"), { recursive: true });
    expect(await failure("quantise", boxedFile(), "--images", "none", "--out", "a.safetensors")).toMatch(/found none/);
    await writeFile(join(folder, "none", "broken.png"), "broken");
    const broken = await failure("quantise", boxedFile(), "--images", "none", "--out", "a.safetensors");
    expect(broken).toMatch(/broken.png: expected a photograph.*\n.*expected photographs to calibrate on/);
  });

  test("weights that were quantised before, and a share that is none", async () => {
    expect(await failure("quantise", quantised, ...images, "--out", "a.safetensors")).toMatch(
      /take those that it was made of/,
    );
    expect(await failure("quantise", boxedFile(), ...images, "--percentile", "0")).toMatch(/above 50, 100 at most/);
    expect(await failure("export", quantised, "--to", "safetensors", "--dtype", "int8")).toMatch(
      /pspnet quantise makes/,
    );
  });

  /** The quantised file with changes to what it says of itself and to its tensors. */
  const hostile = async (
    change: (quantisation: { ranges: Record<string, unknown> }, tensors: Map<string, WritableTensor>) => void,
  ) => {
    const { metadata, tensors } = readSafetensors(await readFile(quantised));
    const quantisation = JSON.parse(metadata.quantisation);
    const changed = new Map<string, WritableTensor>(tensors);
    change(quantisation, changed);
    return writeSafetensors(changed, { ...metadata, quantisation: JSON.stringify(quantisation) });
  };
  const first = (ranges: Record<string, unknown>) => Object.keys(ranges)[0];

  test.each([
    ["null for NaN", [0, null]],
    ["nothing between", [0, 0]],
    ["0 outside", [1, 2]],
    ["ends too large", [0, 1e300]],
    ["one end", [1]],
    ["text", "wide"],
  ])("a range with %s", async (_what, range) => {
    const bytes = await hostile(({ ranges }) => {
      ranges[first(ranges)] = range;
    });
    await expect(load(bytes, { precision: "int8" })).rejects.toThrow(/metadata quantisation: expected .*ranges/);
  });

  test("ranges of another network, and none at all", async () => {
    const other = await hostile(({ ranges }) => {
      ranges["layer9.0.conv1"] = [0, 1];
    });
    await expect(load(other, { precision: "int8" })).rejects.toThrow(
      /found one of "layer9.0.conv1", which this network/,
    );
    const none = await hostile((quantisation) => {
      quantisation.ranges = {};
    });
    await expect(load(none, { precision: "int8" })).rejects.toThrow(/none that a convolution reads/);
  });

  test("weights of int8 whose scales, or layers, are missing", async () => {
    const without = (ending: string) =>
      hostile((_quantisation, tensors) => {
        const name = [...tensors.keys()].find((key) => key.endsWith(ending))!;
        tensors.delete(name);
        if (!ending.endsWith("_scale")) tensors.delete(`${name}_scale`);
      });
    await expect(load(await without(".weight_scale"))).rejects.toThrow(
      /_scale: expected a number above 0 .*found none/,
    );
    await expect(load(await without("conv1.weight"))).rejects.toThrow(/missing from the weights/);
  });
});

test("Ctrl-C leaves no file behind", async () => {
  const args = ["quantise", boxedFile(), "--images", "scenes/train/images", "--out", "stopped.safetensors"];
  let stopped = false;
  const { code, err } = await pspnet(args, {
    cwd: folder,
    env,
    onMessage: (messages, child) => {
      if (!stopped && messages.includes("calibrate")) stopped = child.kill("SIGINT");
    },
  });
  expect({ code, err }).toMatchObject({ code: 1, err: expect.stringContaining("stopped before the end") });
  expect((await readdir(folder)).filter((name) => name.includes("stopped"))).toEqual([]);
});

test("a photograph segmented from the command line says what it was", async () => {
  const { image } = makeScene({ width: 160, height: 128, seed: 5, index: 1 });
  await writeFile(join(folder, "photo.png"), await encodePng(image));
  const args = ["predict", quantised, "photo.png", "--precision", "int8", "--json"];
  const { out, code } = await pspnet(args, { cwd: folder, env });
  expect({ code, images: JSON.parse(out).length }).toEqual({ code: 0, images: 1 });
});
