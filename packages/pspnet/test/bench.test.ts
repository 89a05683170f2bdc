import { modelCost, PRESETS, pspnetConfig, type publishedModels, randomWeights } from "pspnet";
import { expect, test } from "vitest";
import type { BenchReport, BenchResult } from "../src/bench/bench.js";
import { backboneLine } from "../src/cli/bench.js";
import { pspnet } from "./support/cli.js";

test("models: parameters as the releases count them, and half of the head's work saved", async () => {
  const { out, code } = await pspnet(["models", "--json"]);
  expect(code).toBe(0);
  const { models } = JSON.parse(out) as { models: ReturnType<typeof publishedModels> };
  const of = (name: string) => models.find((model) => model.name === name)!;
  expect(of("semseg-pspnet101-cityscapes").parameters).toBe(68_072_166);
  expect(of("lextal-densenet121")).toMatchObject({ classes: 18, size: { height: 256, width: 256 } });
  const official = of("semseg-pspnet50-ade20k");
  expect(official.parameters).toBe(49_180_908);
  expect(official.direct).toBeCloseTo(161.87, 2);
  // The head's 3x3 convolution has 2048 of its 4096 input channels left, on 60 x 60 features.
  const saved = official.direct - official.factorised;
  expect(saved / ((2048 * 512 * 9 * 3600) / 1e9)).toBeGreaterThan(0.98);
  expect(saved / ((2048 * 512 * 9 * 3600) / 1e9)).toBeLessThan(1);
  expect(models).toHaveLength(PRESETS.length);
});

test("models: a table, at another size, for other classes", async () => {
  const { out } = await pspnet(["models", "--classes", "7", "--size", "241x481"]);
  expect(out).toMatch(/model +classes +image +parameters +in prediction +GMAC direct +factorised +follows/);
  expect(out).toMatch(/semseg-pspnet152-ade20k +7 +241x481 /);
});

test("a weights file of random numbers is the same each time", () => {
  const config = pspnetConfig({ classes: 3, layers: 18, width: 4, headChannels: 8, auxChannels: 8 });
  expect(randomWeights(config)).toEqual(randomWeights(config));
});

const SMALL_CONFIG = pspnetConfig({ layers: 18, width: 4, classes: 3, headChannels: 32, auxChannels: 16 });
const SMALL = ["bench", "--layers", "18", "--width", "4", "--classes", "3", "--size", "57,65x41", "--rounds", "2"];

test("bench: every runtime, precision and size, with time, memory and share", async () => {
  const { out, err, code } = await pspnet([...SMALL, "--precision", "fp32", "--json"]);
  expect(err).not.toMatch(/pspnet:/);
  expect(code).toBe(0);
  type Results = readonly (Omit<BenchResult, "size"> & { readonly size: readonly [number, number] })[];
  const { backbone, results, matrixProducts } = JSON.parse(out) as BenchReport & {
    backbone: unknown;
    results: Results;
  };
  expect(backbone).toEqual(SMALL_CONFIG.backbone);
  const cases = results.map(({ runtime, precision, size }) => [runtime, precision, size]);
  expect(cases).toEqual([
    ["torch", "fp32", [57, 57]],
    ["onnx", "fp32", [57, 57]],
    ["torch", "fp32", [65, 41]],
    ["onnx", "fp32", [65, 41]],
  ]);
  const limit = Math.max(...matrixProducts.map(({ teraflops }) => teraflops));
  for (const { runtime, size, milliseconds, imagesPerSecond, peakMemory, ...result } of results) {
    const { winograd, gmac, teraflops, share } = result;
    expect(milliseconds).toBeGreaterThan(0);
    expect(imagesPerSecond).toBeCloseTo(1000 / milliseconds, 6);
    expect(peakMemory).toBeGreaterThan(2 ** 25);
    // Those of at least 32 channels: three of the last stage's and the head's.
    expect(winograd).toBeLessThanOrEqual(runtime === "torch" ? 4 : 0);
    expect(gmac).toBe(modelCost(SMALL_CONFIG, { height: size[0], width: size[1] }).factorised);
    expect(teraflops).toBeCloseTo((2 * gmac) / milliseconds, 9);
    expect(share).toBeCloseTo(teraflops / limit, 9);
  }
  expect(matrixProducts).toMatchObject([
    { runtime: "torch", precision: "fp32" },
    { runtime: "onnx", precision: "fp32" },
  ]);
});

test("bench: a table, and the rate from onnxruntime where libtorch is not asked for", async () => {
  const { out, code } = await pspnet([...SMALL, "--runtime", "onnx", "--rounds", "1"]);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^PSPNet on resnet \(layers 18, stages 4, outputStride 8, width 4, groups 1, groupWidth 64\), 3 classes, /,
  );
  expect(out).toMatch(/runtime +precision +size +ms +images\/s +peak MB +Winograd +GMAC +TFLOP\/s +share %/);
  expect(out).toMatch(/matrix product fp32 \(onnx\): [\d.]+ TFLOP\/s/);
});

test("bench: a backbone of any kind is told by its numbers, if it has some", () => {
  const other = { kind: "other", depth: 121, growth: 32, stem: "plain", stages: [2, 2] };
  expect(backboneLine(other)).toBe("other (depth 121, growth 32)");
  expect(backboneLine({ kind: "other" })).toBe("other");
});

test.each([
  [["--runtime", "tensorflow"], /expected some of torch,onnx/],
  [["--size", "0"], /expected a number or HEIGHTxWIDTH/],
  [["--rounds", "0"], /--rounds <n>' argument '0' is invalid\. expected a whole number above 0/],
  [["--runtime", "onnx", "--precision", "bf16"], /runtime onnx has precision fp32 only/],
  [["--layers", "51"], /--layers <n>' argument '51' is invalid\. expected one of 18, 34, 50/],
])("bench %j is answered with code 2", async (args, message) => {
  const { err, code } = await pspnet([...SMALL, ...args]);
  expect(err).toMatch(message);
  expect(code).toBe(2);
});
