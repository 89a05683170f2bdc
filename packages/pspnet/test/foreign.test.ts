/**
 * Checkpoints of other programs, and what their networks make of a photograph: `scripts/golden/make_*_golden.py` computed the logits
 * by a statement of each network in PyTorch, and wrote the narrow checkpoints or how their weights are made.
 */
import { readFile } from "node:fs/promises";
import { gunzipSync } from "node:zlib";
import {
  type ForeignCheckpoint,
  type Imported,
  type ImportOptions,
  importCheckpoint,
  loadStateDict,
  normalise,
  PSPNet,
  type RgbImage,
  readCheckpoint,
  readSafetensors,
  upsampleLogits,
  writeSafetensors,
} from "@pspnet/core";
import { backend, noGrad, scope, type Tensor, tensor } from "@pspnet/torch";
import { load } from "pspnet";
import { describe, expect, it } from "vitest";
import { madeState } from "./support/madeState.js";
import { softPhoto } from "./support/softPhoto.js";

const golden = (name: string) => readFile(new URL(`golden/families/${name}`, import.meta.url));

/** As its own library wrote it, packed, where TensorFlow's `ckpt` is two files; or of weights that are made here. */
async function checkpoint(name: string, format = CASES[name].format): Promise<ForeignCheckpoint> {
  if (!format) return { format: "made", state: await madeState(name), metadata: {} };
  const endings = format === "ckpt" ? ["ckpt.index", "ckpt.data-00000-of-00001"] : [format];
  const fileOf = async (file: string) => ({
    name: file,
    bytes: new Uint8Array(gunzipSync(await golden(`${file}.gz`))),
  });
  return readCheckpoint(await Promise.all(endings.map((ending) => fileOf(`${name}.${ending}`))));
}

async function imported(name: string, options?: ImportOptions): Promise<Imported> {
  return importCheckpoint(await checkpoint(name), options);
}

/** Every so many places a side, as they were recorded. */
const STEP = 7;

function sampled(logits: ArrayLike<number>, { width, height }: RgbImage, classes: number): number[] {
  const found: number[] = [];
  for (let c = 0; c < classes; c++)
    for (let y = 0; y < height; y += STEP)
      for (let x = 0; x < width; x += STEP) found.push(logits[(c * height + y) * width + x]);
  return found;
}

/** Largest difference from what was recorded, as a share of the largest logit. */
async function errorOf(name: string, logits: ArrayLike<number>, image: RgbImage): Promise<number> {
  const { tensors } = readSafetensors(await golden(`${name}.expected.safetensors`));
  const expected = tensors.get("output")!;
  const values = expected.float32();
  const found = sampled(logits, image, expected.shape[1]);
  expect(found.length).toBe(values.length);
  return Math.max(...found.map((value, i) => Math.abs(value - values[i]))) / Math.max(...values.map(Math.abs));
}

async function byPlan({ state, metadata }: Imported, image: RgbImage): Promise<ArrayLike<number>> {
  await using net = await load(writeSafetensors(state, metadata), { device: "cpu", precision: "fp32" });
  return net.logits(image);
}

function byEager({ state, metadata, config }: Imported, image: RgbImage): ArrayLike<number> {
  const net = new PSPNet(config).eval();
  const { tensors } = readSafetensors(writeSafetensors(state, metadata));
  loadStateDict(net, tensors, { backend: backend() });
  const size = [image.height, image.width] as const;
  return scope(() => {
    const { out } = noGrad(() => net.forward(tensor(normalise(image, config.input), [1, 3, ...size])));
    return (upsampleLogits(out, size, config) as Tensor).toArray() as Float32Array;
  });
}

interface Case {
  readonly family: string;
  /** Height and width of the photograph. */
  readonly size: readonly [number, number];
  readonly from?: string;
  /** What shapes do not tell. */
  readonly fields?: object;
  /** The file's ending: `safetensors` of arrays under the names of their format. Left out, weights are made. */
  readonly format?: string;
}

const CASES: Readonly<Record<string, Case>> = {
  "caffe-r50": { family: "caffe", format: "caffemodel", size: [89, 89] },
  "caffe-r101": { family: "caffe", format: "caffemodel", size: [89, 89] },
  keras: { family: "keras", format: "h5", size: [89, 89] },
  hellochick: { family: "hellochick", format: "ckpt", size: [89, 89] },
  "hellochick-cityscapes": { family: "hellochick", format: "safetensors", size: [96, 96] },
  jiye: { family: "jiye", from: "jiye", format: "ckpt", size: [96, 96] },
  holyseven: { family: "holyseven", format: "ckpt", size: [96, 96] },
  paddleseg: { family: "paddleseg", format: "pdparams", size: [90, 107] },
  "paddleseg-without-auxiliary": { family: "paddleseg", format: "pdparams", size: [90, 107] },
  semseg: { family: "semseg", size: [97, 129] },
  "mmseg-r18": { family: "mmseg", size: [96, 131] },
  "mmseg-r50b-d32": {
    family: "mmseg",
    size: [96, 131],
    fields: {
      backbone: { outputStride: 32 },
      pyramid: { alignCorners: true },
      upsampling: { alignCorners: true },
    },
  },
  "mmseg-mobilenetv2": { family: "mmseg", size: [96, 131] },
  "csail-r18": { family: "csail", size: [96, 128] },
  "csail-r50": { family: "csail", size: [96, 128] },
  "csail-mobilenetv2": { family: "csail", size: [96, 128] },
  "smp-r18": { family: "smp", size: [96, 128] },
  "smp-r50": { family: "smp", size: [96, 128] },
  "lextal-r18": { family: "lextal", size: [96, 128] },
  "lextal-r50": { family: "lextal", size: [96, 128] },
  "lextal-densenet": { family: "lextal", size: [96, 128] },
  "lextal-squeezenet": { family: "lextal", size: [96, 128] },
  "bubbliiiing-r50": { family: "bubbliiiing", size: [97, 130] },
  "bubbliiiing-mobilenetv2": { family: "bubbliiiing", size: [97, 130] },
  "yassouali-r50": { family: "yassouali", size: [97, 130] },
  "kazuto-r50": { family: "kazuto", size: [97, 129] },
  "zijundeng-r50": { family: "zijundeng", size: [97, 130] },
  "tramac-r50": { family: "encoding", size: [97, 130] },
  "encoding-r50": { family: "encoding", size: [97, 130] },
  "torchseg-r50": { family: "torchseg", size: [96, 128] },
  "meetps-r50": { family: "meetps", size: [97, 130] },
  "ogawa-r50": { family: "ogawa", size: [97, 130] },
  "smp-resnext50": { family: "smp", size: [96, 128] },
  "smp-mobilenetv2": { family: "smp", size: [96, 128] },
  "smp-densenet": { family: "smp", size: [96, 128] },
  "pytorchcv-r50": { family: "pytorchcv", size: [97, 130] },
};

it.each(Object.entries(CASES))(
  "%s computes what its own network does, within 1e-4",
  async (name, { family, size, from, fields }) => {
    const image = softPhoto(...size);
    const found = await imported(name, { from, fields });
    expect(found.family.name).toBe(family);
    expect(await errorOf(name, byEager(found, image), image)).toBeLessThan(1e-4);
    expect(await errorOf(name, await byPlan(found, image), image)).toBeLessThan(1e-4);
  },
);

it("semseg computes the same when its modules' names say nothing", async () => {
  const file = await checkpoint("semseg");
  const modules: string[] = [];
  const nameless = (name: string) => {
    const [, module, leaf] = /^(.*)\.(\w+)$/.exec(name)!;
    if (!modules.includes(module)) modules.push(module);
    return `unit${modules.indexOf(module)}.${leaf}`;
  };
  const inOrder = [...new PSPNet(importCheckpoint(file).config).stateDict().keys()];
  const state = new Map(inOrder.map((name) => [nameless(name), file.state.get(`module.${name}`)!]));
  const found = importCheckpoint({ ...file, state });
  expect(found.family.name).toBe("structure");
  const image = softPhoto(...CASES.semseg.size);
  expect(await errorOf("semseg", byEager(found, image), image)).toBeLessThan(1e-4);
});

it.each(["weights.h5", "npy"])("Keras's network has the same weights in .%s", async (format) => {
  const { state } = await imported("keras");
  const other = importCheckpoint(await checkpoint("keras", format));
  expect(other.family.name).toBe("keras");
  expect(new Map([...other.state].map(([name, { bytes }]) => [name, bytes]))).toEqual(
    new Map([...state].map(([name, { bytes }]) => [name, bytes])),
  );
});

describe("a network that is taken otherwise computes something else", () => {
  const otherwise = (part: string, field: string, value: unknown) => ({ [part]: { [field]: value } });
  it.each<[string, object]>([
    ["caffe-r50", otherwise("backbone", "strideIn", "3x3")],
    ["caffe-r101", otherwise("backbone", "strideIn", "1x1")],
    ["caffe-r50", otherwise("pyramid", "concatOrder", "ascending")],
    ["caffe-r50", otherwise("pyramid", "alignCorners", false)],
    ["caffe-r50", otherwise("upsampling", "alignCorners", false)],
    ["caffe-r50", otherwise("input", "channelOrder", "rgb")],
    ["keras", otherwise("backbone", "strideIn", "3x3")],
    ["keras", otherwise("pyramid", "concatOrder", "ascending")],
    ["keras", otherwise("pyramid", "alignCorners", false)],
    ["keras", otherwise("upsampling", "alignCorners", false)],
    ["keras", otherwise("input", "channelOrder", "rgb")],
    ["hellochick", otherwise("norm", "eps", 1e-3)],
    ["hellochick-cityscapes", otherwise("backbone", "stemPadding", "both")],
    ["jiye", otherwise("backbone", "stemPadding", "both")],
    ["jiye", otherwise("norm", "eps", 1e-5)],
    ["holyseven", otherwise("pyramid", "alignCorners", true)],
    ["holyseven", otherwise("pyramid", "alignCorners", false)],
    ["holyseven", otherwise("upsampling", "alignCorners", true)],
    ["holyseven", otherwise("upsampling", "alignCorners", false)],
    ["holyseven", otherwise("pyramid", "concatOrder", "ascending")],
    ["holyseven", otherwise("backbone", "stemPadding", "both")],
    ["holyseven", otherwise("backbone", "strideIn", "1x1")],
    ["holyseven", otherwise("input", "channelOrder", "bgr")],
    ["paddleseg", otherwise("backbone", "shortcut", "projection")],
    ["paddleseg", otherwise("pyramid", "concatOrder", "ascending")],
    ["paddleseg", otherwise("pyramid", "alignCorners", true)],
    ["paddleseg", otherwise("upsampling", "alignCorners", true)],
    ["paddleseg", otherwise("backbone", "firstDilation", "halved")],
    ["semseg", otherwise("backbone", "strideIn", "1x1")],
    ["semseg", otherwise("pyramid", "concatOrder", "descending")],
    ["semseg", otherwise("upsampling", "alignCorners", false)],
    ["semseg", otherwise("input", "channelOrder", "bgr")],
    ["mmseg-r18", otherwise("input", "channelOrder", "bgr")],
    ["mmseg-r18", otherwise("pyramid", "concatOrder", "descending")],
    ["mmseg-r18", otherwise("backbone", "basicDilation", "both")],
    ["mmseg-r18", otherwise("pyramid", "alignCorners", true)],
    ["mmseg-mobilenetv2", otherwise("backbone", "firstDilation", "full")],
    ["csail-r18", otherwise("backbone", "basicDilation", "first")],
    ["csail-mobilenetv2", otherwise("backbone", "firstDilation", "full")],
    ["smp-r18", otherwise("upsampling", "alignCorners", false)],
    ["smp-r18", otherwise("input", "channelOrder", "bgr")],
    ["lextal-r18", otherwise("backbone", "firstDilation", "full")],
    ["lextal-r18", otherwise("pyramid", "features", "first")],
    ["lextal-densenet", otherwise("pyramid", "alignCorners", true)],
    ["bubbliiiing-r50", otherwise("backbone", "outputStride", 8)],
    ["yassouali-r50", otherwise("upsampling", "alignCorners", true)],
    ["mmseg-r50b-d32", otherwise("backbone", "strideIn", "1x1")],
    ["mmseg-r50b-d32", otherwise("backbone", "outputStride", 8)],
    ["mmseg-r50b-d32", otherwise("upsampling", "sizes", "8n+1")],
    ["mmseg-mobilenetv2", otherwise("input", "channelOrder", "bgr")],
    ["csail-r18", otherwise("pyramid", "alignCorners", true)],
    ["csail-r18", otherwise("pyramid", "concatOrder", "descending")],
    ["csail-r18", otherwise("input", "channelOrder", "bgr")],
    ["csail-r50", otherwise("backbone", "strideIn", "1x1")],
    ["csail-mobilenetv2", otherwise("input", "channelOrder", "bgr")],
    ["smp-r18", otherwise("pyramid", "features", "first")],
    ["smp-r50", otherwise("backbone", "strideIn", "1x1")],
    ["lextal-r50", otherwise("backbone", "strideIn", "1x1")],
    ["lextal-r50", otherwise("input", "channelOrder", "bgr")],
    ["lextal-squeezenet", otherwise("pyramid", "features", "first")],
    ["lextal-squeezenet", otherwise("head", "alignCorners", true)],
    ["bubbliiiing-r50", otherwise("backbone", "strideIn", "1x1")],
    ["bubbliiiing-r50", otherwise("input", "channelOrder", "bgr")],
    ["bubbliiiing-mobilenetv2", otherwise("backbone", "firstDilation", "full")],
    ["bubbliiiing-mobilenetv2", otherwise("pyramid", "concatOrder", "descending")],
    ["bubbliiiing-mobilenetv2", otherwise("input", "channelOrder", "bgr")],
    ["bubbliiiing-mobilenetv2", otherwise("input", "mean", [0.485, 0.456, 0.406])],
    ["yassouali-r50", otherwise("backbone", "strideIn", "1x1")],
    ["yassouali-r50", otherwise("input", "channelOrder", "bgr")],
    ["yassouali-r50", otherwise("pyramid", "concatOrder", "descending")],
    ["kazuto-r50", otherwise("backbone", "strideIn", "1x1")],
    ["kazuto-r50", otherwise("pyramid", "alignCorners", true)],
    ["kazuto-r50", otherwise("input", "channelOrder", "rgb")],
    ["kazuto-r50", otherwise("pyramid", "concatOrder", "ascending")],
    ["zijundeng-r50", otherwise("pyramid", "alignCorners", true)],
    ["zijundeng-r50", otherwise("upsampling", "alignCorners", true)],
    ["zijundeng-r50", otherwise("backbone", "firstDilation", "halved")],
    ["tramac-r50", otherwise("backbone", "firstDilation", "full")],
    ["tramac-r50", otherwise("upsampling", "alignCorners", false)],
    ["encoding-r50", otherwise("backbone", "strideIn", "1x1")],
    ["encoding-r50", otherwise("pyramid", "concatOrder", "descending")],
    ["torchseg-r50", otherwise("backbone", "firstDilation", "full")],
    ["meetps-r50", otherwise("pyramid", "concatOrder", "ascending")],
    ["meetps-r50", otherwise("input", "channelOrder", "rgb")],
    ["meetps-r50", otherwise("backbone", "strideIn", "1x1")],
    ["ogawa-r50", otherwise("pyramid", "concatOrder", "ascending")],
    ["ogawa-r50", otherwise("pyramid", "features", "last")],
    ["pytorchcv-r50", otherwise("backbone", "firstDilation", "full")],
    ["pytorchcv-r50", otherwise("pyramid", "alignCorners", false)],
    ["smp-resnext50", otherwise("backbone", "strideIn", "1x1")],
    ["smp-mobilenetv2", otherwise("pyramid", "features", "first")],
    ["smp-densenet", otherwise("upsampling", "alignCorners", false)],
  ])("%s with %j", async (name, fields) => {
    const { size, from } = CASES[name];
    const image = softPhoto(...size);
    expect(await errorOf(name, byEager(await imported(name, { from, fields }), image), image)).toBeGreaterThan(1e-3);
  });
});
