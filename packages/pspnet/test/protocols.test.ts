/**
 * The protocols of evaluation against statements of them on whole images, in float64, with OpenCV's and Pillow's own resizing:
 * `scripts/golden/make_protocol_golden.py` recorded the other side. The network is a formula of the pixels and of where they stand.
 */
import { readFile } from "node:fs/promises";
import {
  byteInput,
  type ClassList,
  classLists,
  type Image,
  numberedClasses,
  openOnnxSegmenter,
  PROTOCOLS,
  type ProtocolChoice,
  parseWeights,
  passesOf,
  protocolOf,
  protocolText,
  pspnetConfig,
  type RgbImage,
  randomWeights,
  readSafetensors,
  type Size,
} from "@pspnet/core";
import {
  averagedProbabilities as coreProbabilities,
  fromBands,
  lookAtWindows,
  type WindowLogits,
  type WindowPlace,
  windowInput,
} from "@pspnet/core/segment";
import { averagedLabels, averagedProbabilities, type Tensor, tensor } from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { words } from "./support/reproducible.js";

const CLASSES = 3;
const SIX = [0.5, 0.75, 1, 1.25, 1.5, 1.75];

interface Case {
  readonly choice: ProtocolChoice & { readonly protocol: string };
  readonly size: readonly [number, number];
  readonly upsampling: { readonly alignCorners: boolean; readonly sizes: "8n+1" | "8n" | "any" };
}

const golden = readSafetensors(await readFile(new URL("golden/protocols.safetensors", import.meta.url)));
const cases = JSON.parse(golden.metadata.cases) as Case[];

function photograph([height, width]: readonly [number, number]): RgbImage {
  const data = Uint8Array.from(words(`photograph ${height} ${width}`, 3 * height * width), (word) => word >>> 24);
  return { width, height, data };
}

/** Of images `[n, 3, h, w]`: `logits` of the script. */
function logitsOf(images: Float32Array, n: number, { height, width }: Size): WindowLogits {
  const [h, w] = [Math.ceil(height / 8), Math.ceil(width / 8)];
  const data = Float32Array.from({ length: n * CLASSES * h * w }, (_, at) => {
    const [j, i, k] = [at % w, Math.floor(at / w) % h, Math.floor(at / w / h) % CLASSES];
    const view = Math.floor(at / w / h / CLASSES);
    let sum = 0.7 * Math.sin(0.9 * i + 1.3 * k) + 0.5 * Math.cos(1.1 * j - 0.7 * k);
    for (let c = 0; c < 3; c++)
      sum += Math.sin(1 + 5 * k + 3 * c) * images[((view * 3 + c) * height + 8 * i) * width + 8 * j];
    return sum;
  });
  return { data, shape: [n, CLASSES, h, w] };
}

function networkOf({ upsampling }: Case) {
  const small = { layers: 18, width: 8, headChannels: 16, bins: [1, 2], aux: false } as const;
  return parseWeights(randomWeights(pspnetConfig({ classes: CLASSES, ...small, upsampling })));
}

function look(config: ReturnType<typeof networkOf>["description"]["config"]) {
  const input = byteInput(config.input);
  return (image: Image, place: WindowPlace) =>
    logitsOf(windowInput(image, { ...input, ...place }), place.flip ? 2 : 1, place.size);
}

const furthest = (a: Float32Array, b: Float32Array) => Math.max(...a.map((value, i) => Math.abs(value - b[i])));

function expectBest(labels: Uint8Array, probabilities: Float32Array): void {
  const area = labels.length;
  const short = [...labels].filter((label, pixel) => {
    const values = Array.from({ length: CLASSES }, (_, c) => probabilities[c * area + pixel]);
    return values[label] < Math.max(...values) - 2e-6;
  });
  expect(short).toEqual([]);
}

describe.each(cases.map((one, i) => ({ ...one, i, said: JSON.stringify(one.choice) })))("$said", (one) => {
  const image = photograph(one.size);
  const expected = golden.tensors.get(String(one.i))!.float32();
  const weights = networkOf(one);
  const { config } = weights.description;
  const protocol = protocolOf(one.choice, weights.description);

  test("core's evaluator, on a session of onnxruntime", async () => {
    const openSession = async () => ({
      run: async ({ data, dims: [n, , height, width] }: { data: Float32Array; dims: readonly number[] }) => {
        const { data: logits, shape } = logitsOf(data, n, { height, width });
        return { logits8: { data: logits, dims: shape }, finite: { data: Uint8Array.of(1), dims: [] } };
      },
      release: async () => {},
    });
    const segmenter = await openOnnxSegmenter({ ...weights, openSession, availableMemory: () => 1e12 });
    expect(furthest(await segmenter.probabilities(image, protocol), expected)).toBeLessThan(1e-6);
    expectBest((await segmenter.labels(image, protocol)).data, expected);
  });

  test.each([
    ["float32", 1],
    ["float64", 3],
  ] as const)("libtorch's, %s, %i windows at once", async (dtype, together) => {
    const windows = () => {
      const given = { config, ...protocol };
      const one = look(config);
      return lookAtWindows<Tensor>(image, {
        ...given,
        look: async (photograph, places) => {
          expect(places.length).toBeLessThanOrEqual(together);
          return places.map((place) => {
            const { data, shape } = one(photograph, place);
            return tensor(data, shape).to({ dtype });
          });
        },
        together: () => together,
      });
    };
    const values = await fromBands(windows(), averagedProbabilities, new Float32Array(expected.length));
    expect(furthest(values, expected)).toBeLessThan(1e-6);
    const area = image.height * image.width;
    expectBest(await fromBands(windows(), averagedLabels, new Uint8Array(area)), expected);
  });

  test("every pixel is counted as often as the plan says", async () => {
    // Logits that all windows share give the same wherever they lie, and a window that is left out or counted twice would not.
    const flat = async (_: Image, [{ size, flip }]: readonly WindowPlace[]): Promise<WindowLogits[]> => {
      const [h, w] = [Math.ceil(size.height / 8), Math.ceil(size.width / 8)];
      const shape = [flip ? 2 : 1, CLASSES, h, w] as const;
      const length = shape[0] * CLASSES * h * w;
      return [{ shape, data: Float32Array.from({ length }, (_, i) => Math.floor(i / h / w) % CLASSES) }];
    };
    const windows = lookAtWindows<WindowLogits>(image, { config, ...protocol, look: flat });
    const values = await fromBands(windows, coreProbabilities, new Float32Array(expected.length));
    const power = protocol.rules.softmax === "window" && protocol.flip ? 2 : 1;
    const total = [0, 1, 2].reduce((sum, logit) => sum + Math.exp(power * logit), 0);
    const area = image.height * image.width;
    for (const [i, value] of values.entries())
      expect(Math.abs(value - Math.exp(power * Math.floor(i / area)) / total)).toBeLessThan(1e-6);
  });
});

describe("windows, sizes and means of the published protocols", () => {
  const network = (classes: ClassList, crop: number) => ({ classes, crop });
  const windows = (size: Size, choice: ProtocolChoice, given: ReturnType<typeof network>) =>
    passesOf(size, protocolOf(choice, given)).map(({ grid }) => grid.windows.length);
  const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b);

  test("semseg: 81 windows on Cityscapes at six scales, 18 on ADE20K", () => {
    const choice = { protocol: "semseg", scales: SIX } as const;
    const cityscapes = windows({ height: 1024, width: 2048 }, choice, network(classLists.cityscapes, 713));
    expect([cityscapes, total(cityscapes)]).toEqual([[2, 6, 8, 15, 18, 32], 81]);
    const ade20k = windows({ height: 384, width: 512 }, choice, network(classLists.ade20k, 473));
    expect([ade20k, total(ade20k)]).toEqual([[1, 1, 2, 4, 4, 6], 18]);
  });

  const sizes = (size: Size, choice: ProtocolChoice, classes: ClassList, crop = 473) =>
    passesOf(size, protocolOf(choice, network(classes, crop)), { step: 8, offset: 0 }).map((pass) => [
      pass.height,
      pass.width,
    ]);

  test("caffe: one pixel more than semseg", () => {
    const choice = { protocol: "caffe", scales: [0.5, 1, 1.5] } as const;
    expect(sizes({ height: 1024, width: 2048 }, choice, classLists.cityscapes, 713)).toEqual([
      [513, 1025],
      [1025, 2049],
      [1537, 3073],
    ]);
    expect(sizes({ height: 683, width: 512 }, choice, classLists.ade20k)[1]).toEqual([513, 385]);
  });

  test("mmseg: as large as fits into 2048 x 512, times the scale; other sets keep their own size", () => {
    const choice = { protocol: "mmseg", scales: [1, 1.5] } as const;
    expect(sizes({ height: 683, width: 512 }, choice, classLists.ade20k)).toEqual([
      [683, 512],
      [1025, 768],
    ]);
    expect(sizes({ height: 100, width: 1000 }, choice, classLists.ade20k)[0]).toEqual([205, 2048]);
    expect(sizes({ height: 100, width: 77 }, choice, numberedClasses(4))).toEqual([
      [100, 77],
      [150, 116],
    ]);
    const slide = protocolOf({ protocol: "mmseg-slide" }, network(classLists.cityscapes, 769));
    const [{ grid, ...size }] = passesOf({ height: 1024, width: 2048 }, slide);
    expect(size).toMatchObject({ height: 1025, width: 2049 });
    expect([...new Set(grid.windows.map(({ left }) => left))]).toEqual([0, 513, 1026, 1280]);
  });

  test("csail: short sides from 300 to 600, long ones to 1000, both multiples of 8", () => {
    const choice = { protocol: "csail" } as const;
    expect(sizes({ height: 480, width: 640 }, choice, classLists.ade20k)).toEqual([
      [304, 400],
      [376, 504],
      [456, 600],
      [528, 704],
      [600, 800],
    ]);
    expect(sizes({ height: 300, width: 900 }, choice, classLists.ade20k)[4]).toEqual([336, 1000]);
    expect(() => protocolOf({ protocol: "csail", crop: 473 }, network(classLists.ade20k, 473))).toThrow(
      /expected whole images, found windows of crop=473/,
    );
  });

  test("what is said overrides the protocol, whose name stays", () => {
    const given = network(classLists.ade20k, 473);
    expect(protocolText(protocolOf({ protocol: "semseg" }, given))).toBe(
      "semseg: one scale, flip, windows of 473, base size 512",
    );
    const own = protocolOf({ protocol: "mmseg", flip: true, scales: SIX, crop: 512, baseSize: null }, given);
    expect(protocolText(own)).toBe("mmseg: scales 0.5 0.75 1 1.25 1.5 1.75, flip, windows of 512, own size");
    expect(own.rules).toBe(PROTOCOLS.mmseg.rules);
    expect(protocolText(protocolOf({}, given))).toBe("one scale, whole images, own size");
  });
});
