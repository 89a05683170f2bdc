/**
 * The network, its gradients and its training against PyTorch's: `scripts/golden/make_golden.py` recorded the other side
 * (float32, torch 2.15). Weights and images are made from their names on both sides.
 */
import { readFile } from "node:fs/promises";
import {
  loadStateDict,
  PSPNet,
  type PSPNetConfig,
  type PSPNetFields,
  pspnetConfig,
  readSafetensors,
  upsampleLogits,
  WHOLE_IMAGE,
} from "@pspnet/core";
import { backend, noGrad, SGD, scope, type Tensor, tensor } from "@pspnet/torch";
import { afterAll, describe, expect, it } from "vitest";
import { TorchSegmenter } from "../src/segment/torchSegmenter.js";
import { reproducibleImage, reproducibleLabels, reproducibleState, uniform, words } from "./support/reproducible.js";

const CASES: Record<string, PSPNetFields> = {
  "r18-deep": { layers: 18, classes: 5, stem: "deep" },
  "r18-plain": { layers: 18, classes: 6, stem: "plain" },
  "r50-deep": { layers: 50, classes: 7, stem: "deep" },
  "r50-plain": { layers: 50, classes: 5, stem: "plain", strideIn: "1x1", ceilPool: true },
};
const BATCH = [4, 97, 97] as const;
const LR = 1e-4;

/** What PyTorch recorded for a case. */
async function golden(name: string) {
  const { metadata, tensors } = readSafetensors(await readFile(new URL(`golden/${name}.safetensors`, import.meta.url)));
  const config = pspnetConfig({ ...CASES[name], dropout: 0 });
  const parameters = JSON.parse(metadata.parameters) as string[];
  return { config, parameters, tensors, values: (key: string) => tensors.get(key)!.float32() };
}

function filledNetwork(config: PSPNetConfig): PSPNet {
  const net = new PSPNet(config);
  loadStateDict(net, reproducibleState(net), { backend: backend() });
  for (const [, parameter] of net.namedParameters()) parameter.as<Tensor>().requiresGrad = true;
  return net;
}

/** Main and auxiliary loss on the batch that PyTorch saw. */
function losses(net: PSPNet): { readonly main: Tensor; readonly auxiliary: Tensor; readonly total: Tensor } {
  const [n, h, w] = BATCH;
  const { classes, upsampling } = net.config;
  const { alignCorners } = upsampling;
  const labels = tensor(reproducibleLabels(BATCH, classes), [n, h, w]);
  const { out, aux } = net.forward(tensor(reproducibleImage(BATCH), [n, 3, h, w]));
  const main = out.upsampledCrossEntropy(labels, { alignCorners });
  const auxiliary = aux!.upsampledCrossEntropy(labels, { alignCorners });
  return { main, auxiliary, total: main.add(auxiliary.mul(0.4)) };
}

/** Largest difference as a share of the largest expected value. */
function relativeError(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(found.length).toBe(expected.length);
  let difference = 0;
  let largest = 0;
  for (let i = 0; i < expected.length; i++) {
    if (!Number.isFinite(found[i])) return Number.NaN;
    difference = Math.max(difference, Math.abs(found[i] - expected[i]));
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return difference / largest;
}

const worst = new Map<string, number>();

/** Asserts an error, and keeps the largest of its kind for PARITY.md. */
function expectWithin(
  tolerance: number,
  error: number,
  { what, where }: { readonly what: string; readonly where: string },
) {
  worst.set(what, Math.max(worst.get(what) ?? 0, error));
  expect(error, `${what}, ${where}`).toBeLessThan(tolerance);
}

afterAll(() => {
  for (const [what, error] of worst) console.log(`${what}: ${error.toExponential(1)} at most`);
});

const numbers = (value: Tensor) => value.toArray() as Float32Array;

describe.each(Object.keys(CASES))("%s equals PyTorch", (name) => {
  it("in its logits, within 1e-4", async () => {
    const { config, tensors, values } = await golden(name);
    const net = filledNetwork(config).eval();
    const keys = [...tensors.keys()].filter((key) => /^(logits|full)\./.test(key));
    expect(keys.length).toBeGreaterThanOrEqual(2);
    for (const key of keys) {
      const [h, w] = key.split(".")[1].split("x").map(Number);
      const found = scope(() => {
        const { out } = noGrad(() => net.forward(tensor(reproducibleImage([1, h, w]), [1, 3, h, w])));
        return numbers(key.startsWith("full") ? upsampleLogits(out, [h, w], config) : out);
      });
      expectWithin(1e-4, relativeError(found, values(key)), { what: "logits", where: key });
    }
  });

  it("in its losses, batch-norm statistics and every gradient, within 1e-3", async () => {
    const { config, parameters, tensors, values } = await golden(name);
    const net = filledNetwork(config);
    const { main, auxiliary, total } = losses(net);
    const error = relativeError([main.item(), auxiliary.item()], values("train.losses"));
    expectWithin(1e-5, error, { what: "losses", where: name });
    total.backward();

    const state = net.stateDict();
    const statistics = [...tensors.keys()].filter((key) => key.startsWith("statistics."));
    expect(statistics.length).toBe([...state.keys()].filter((key) => key.includes("running_")).length);
    for (const key of statistics) {
      const found = numbers(state.get(key.slice("statistics.".length))!.as<Tensor>());
      expectWithin(1e-5, relativeError(found, values(key)), { what: "batch-norm statistics", where: key });
    }

    expect([...net.namedParameters()].map(([path]) => path).sort()).toEqual([...parameters].sort());
    const [norms, samples, projections] = ["norms", "samples", "projections"].map((key) => values(`gradient.${key}`));
    for (const [i, path] of parameters.entries()) {
      const gradient = numbers(state.get(path)!.as<Tensor>().grad!);
      const part = (all: Float32Array) =>
        all.subarray((i * all.length) / parameters.length, ((i + 1) * all.length) / parameters.length);
      const error = gradientError(path, gradient, { samples: part(samples), projections: part(projections) });
      expectWithin(1e-3, error / norms[i], { what: "gradients", where: path });
      expectWithin(1e-3, Math.abs(normOf(gradient) / norms[i] - 1), { what: "norms of gradients", where: path });
    }
  });
});

/**
 * Length of the difference between this gradient and PyTorch's, of which 16 elements are known, and the products with a few
 * random vectors r of variance 1/3: (g - g') . r has the variance |g - g'|^2 / 3.
 */
function gradientError(
  path: string,
  gradient: Float32Array,
  { samples, projections }: { readonly samples: Float32Array; readonly projections: Float32Array },
): number {
  let square = 0;
  for (const [k, expected] of projections.entries()) {
    const direction = uniform(`${path} projection ${k}`, gradient.length);
    let product = 0;
    for (let i = 0; i < gradient.length; i++) product += gradient[i] * direction[i];
    square += (3 * (product - expected) ** 2) / projections.length;
  }
  const places = words(`${path} samples`, samples.length);
  const largest = Math.max(...samples.map((expected, k) => Math.abs(gradient[places[k] % gradient.length] - expected)));
  return Math.max(Math.sqrt(square), largest);
}

function normOf(values: Float32Array): number {
  let square = 0;
  for (const value of values) square += value * value;
  return Math.sqrt(square);
}

it("20 steps of SGD follow PyTorch's loss within 1e-3", async () => {
  const { config, values } = await golden("r18-deep");
  const net = filledNetwork(config);
  const isNew = (path: string) => /^(ppm|cls|aux)\./.test(path);
  const group = (fresh: boolean, lr: number) => ({
    parameters: [...net.namedParameters()]
      .filter(([path]) => isNew(path) === fresh)
      .map(([, parameter]) => parameter.as<Tensor>()),
    lr,
  });
  const optimiser = new SGD({ groups: [group(false, LR), group(true, 10 * LR)], momentum: 0.9, weightDecay: 1e-4 });
  const expected = values("descent.losses");
  const found = Array.from(expected, () =>
    scope(() => {
      const { total } = losses(net);
      total.backward();
      optimiser.step();
      optimiser.zeroGrad();
      return total.item();
    }),
  );
  expect(found[19]).toBeLessThan(0.9 * found[0]);
  for (const [step, loss] of found.entries())
    expectWithin(1e-3, Math.abs(loss / expected[step] - 1), { what: "loss over 20 steps", where: `step ${step}` });
});

it("scales, windows and flips give the official test.py's probabilities within 1e-5", async () => {
  const { config, values } = await golden("r18-plain");
  const [height, width] = [60, 80];
  const image = {
    width,
    height,
    data: Uint8Array.from(words(`photo ${height}x${width}`, 3 * height * width), (word) => word >>> 24),
  };
  const state = reproducibleState(new PSPNet(config));
  using segmenter = new TorchSegmenter({ config, crop: 65 }, state, { device: "cpu", precision: "fp32" });
  const protocol = { ...WHOLE_IMAGE, scales: [0.75, 1.25], flip: true, crop: 65, baseSize: 80 };
  const found = await segmenter.probabilities(image, protocol);
  const expected = values("protocol.probabilities");
  const error = Math.max(...found.map((value, i) => Math.abs(value - expected[i])));
  expectWithin(1e-5, error, { what: "probabilities of windows, scales and flips", where: "test.py" });
  const { data } = await segmenter.labels(image, protocol);
  const pixels = height * width;
  const best = data.filter(
    (id, i) =>
      expected[id * pixels + i] > 0.1 &&
      Array.from({ length: 6 }, (_, c) => expected[c * pixels + i]).every(
        (value) => value <= expected[id * pixels + i] + 1e-5,
      ),
  );
  expect(best.length).toBe(pixels);
});
