/** Every published network, with few channels: it trains, and plans and exported models compute what it computes. */
import {
  alignedSize,
  initialise,
  loadStateDict,
  networkGraph,
  normalise,
  optimise,
  PSPNet,
  type PSPNetConfig,
  upsampleLogits,
} from "@pspnet/core";
import { backend, manualSeed, Plan, randn, type Tensor } from "@pspnet/torch";
import { makeScene, sceneClasses } from "pspnet";
import { describe, expect, test } from "vitest";
import { createOptimiser, setLearningRate } from "../src/train/optimiser.js";
import { trainStep } from "../src/train/step.js";
import { narrowNetworks } from "./support/narrow.js";
import { answer, eagerly, exported, onnxRuntime, open, relativeError } from "./support/onnx.js";
import { reproducibleState } from "./support/reproducible.js";

/** One of 8n+1, and one that nothing divides. */
const SIZES = [
  [1, 65, 65],
  [2, 36, 50],
] as const;

function evaluated(config: PSPNetConfig) {
  const eager = new PSPNet({ ...config, auxiliary: { kind: "none" } });
  const state = reproducibleState(eager);
  loadStateDict(eager, state, { backend: backend() });
  return { config: eager.config, state, eager: eager.eval() };
}

/** Batches of scenes, for ever the same few. */
function batches({ input }: PSPNetConfig, size: number) {
  const [n, pixels] = [4, size * size];
  return Array.from({ length: 2 }, (_, batch) => {
    const images = new Float32Array(3 * n * pixels);
    const labels = new Uint8Array(n * pixels);
    for (let i = 0; i < n; i++) {
      const scene = makeScene({ width: size, height: size, seed: 1, index: batch * n + i });
      const planes = normalise(scene.image, input);
      for (let p = 0; p < 3 * pixels; p++) images[3 * pixels * i + p] = planes[(p % 3) * pixels + Math.floor(p / 3)];
      labels.set(scene.label.data, i * pixels);
    }
    return { images, labels, ids: [], shape: [n, size, size] as const, release: () => {} };
  });
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

describe.each(narrowNetworks())("$names", ({ config }) => {
  test("trains: the loss of scenes falls in 24 steps", async () => {
    const model = new PSPNet(config);
    initialise(model, backend(), { seed: 0 });
    const optimiser = createOptimiser(model, { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
    setLearningRate(optimiser, 0.01, { headLrFactor: 10 });
    const { height: size } = alignedSize({ height: 41, width: 41 }, config);
    const data = batches(config, size);
    const losses: number[] = [];
    for (let step = 0; step < 24; step++) {
      const options = { device: "cpu", precision: "fp32", accumulate: 1, auxWeight: 0.4, classWeights: null } as const;
      losses.push(await trainStep(model, optimiser, data[step % 2], { ...options, seed: step }));
    }
    expect(
      mean(losses.slice(-4)) / mean(losses.slice(0, 4)),
      losses.map((loss) => loss.toFixed(2)).join(),
    ).toBeLessThan(0.9);
  });

  test("gives the same logits by plan within 1e-4", async () => {
    const { eager, state } = evaluated(config);
    const plan = new Plan(optimise(networkGraph(config, state)), { precision: "fp32", usualSize: [65, 65] });
    for (const [n, h, w] of SIZES) {
      manualSeed(h);
      const x = randn([n, 3, h, w]);
      const expected = eagerly(() => eager.forward(x).out);
      const found = await plan.run(x);
      expect(relativeError(found.toArray() as Float32Array, expected)).toBeLessThan(1e-4);
    }
    plan.dispose();
  });

  test.skipIf(!onnxRuntime)("gives the same logits by ONNX within 1e-4", async () => {
    const network = evaluated(config);
    const description = { config: network.config, classes: sceneClasses, crop: 57, licence: "" };
    const session = await open(exported({ ...network, description }).model);
    for (const [n, h, w] of SIZES) {
      manualSeed(w);
      const x = randn([n, 3, h, w]);
      const expected = eagerly(() => enlarged(network.eager, x));
      const { data } = await answer(session, {
        dtype: "float32",
        data: x.toArray() as Float32Array,
        shape: [n, 3, h, w],
      });
      expect(relativeError(data as Float32Array, expected)).toBeLessThan(1e-4);
    }
    await session.release();
  });
});

/** Logits of images that are padded to where the logits lie right, cut to the images. */
function enlarged(model: PSPNet, x: Tensor): Tensor {
  const [, , h, w] = x.shape;
  const { height, width } = alignedSize({ height: h, width: w }, model.config);
  const { out } = model.forward(x.pad([0, width - w, 0, height - h]));
  return upsampleLogits(out, [height, width], model.config).narrow(2, 0, h).narrow(3, 0, w);
}
