import { BatchNorm2d, initialise, Layer, type NetworkFields, PSPNet, pspnetConfig } from "@pspnet/core";
import {
  backend,
  fastBfloat16,
  liveTensors,
  memoryInUse,
  peakMemory,
  randn,
  scope,
  setNumThreads,
  zeros,
} from "@pspnet/torch";
import { load, randomWeights } from "pspnet";
import { expect, test } from "vitest";
import { segmentationLoss } from "../src/train/loss.js";
import { createOptimiser } from "../src/train/optimiser.js";
import { trainStep } from "../src/train/step.js";

test("however many sizes of images come, a network leaves no tensor behind, and keeps what belongs to the last 16 alone", async () => {
  // Of a size it keeps the matrices that enlarge the pyramid, 270 rows of 400 numbers, and no map: those take several MiB.
  const config = pspnetConfig({ classes: 5, layers: 18, width: 8, headChannels: 8, bins: [30, 60], aux: false });
  const net = await load(randomWeights(config), { runtime: "torch", precision: "fp32" });
  const memory: number[] = [];
  for (let i = 0; i < 24; i++) {
    const [width, height] = [97, 3201 + 8 * i];
    for (let run = 0; run < 3; run++) await net.segment({ width, height, data: new Uint8Array(3 * width * height) });
    expect(liveTensors()).toBe(0);
    memory.push(memoryInUse());
  }
  const ofOneSize = (memory[15] - memory[0]) / 15;
  expect(ofOneSize).toBeGreaterThan(4 * 270 * 400);
  expect(ofOneSize).toBeLessThan(1.5 * 4 * 270 * 400);
  expect(memory[23] - memory[15]).toBeLessThan(ofOneSize);
  await net.dispose();
});

const FORMS: NetworkFields[] = [
  { layers: 18 },
  { layers: 50 },
  { layers: 18, stem: "plain", ppm: false },
  { layers: 18, bins: [2, 4], pool: "max", reduction: false },
];

/** A network in training whose maps are far larger than its weights. */
function thickNetwork(form: NetworkFields): PSPNet {
  const model = new PSPNet(pspnetConfig({ classes: 5, width: 4, headChannels: 8, auxChannels: 8, ...form }));
  initialise(model, backend(), { seed: 0 });
  createOptimiser(model, { lr: 0.01, momentum: 0, weightDecay: 0 });
  return model;
}

/** Counts the tensors that each layer leaves to JavaScript, by path; batch norm with the ReLU behind it as well. */
function countLeft(model: PSPNet): Map<string, number> {
  const left = new Map<string, number>();
  for (const [path, layer] of model.modules()) {
    if (!(layer instanceof Layer)) continue;
    const counted =
      <A extends unknown[], R>(call: (...operands: A) => R) =>
      (...operands: A): R => {
        const before = liveTensors();
        const y = call(...operands);
        left.set(path, liveTensors() - before);
        return y;
      };
    layer.forward = counted(layer.forward.bind(layer)) as typeof layer.forward;
    if (layer instanceof BatchNorm2d) layer.relu = counted(layer.relu.bind(layer)) as typeof layer.relu;
  }
  return left;
}

test.each(FORMS)("every layer of %j frees what it made but its result, the network all but its logits", (form) => {
  const model = thickNetwork(form);
  const left = countLeft(model);
  scope(() => {
    const x = randn([2, 3, 65, 65]);
    const before = liveTensors();
    model.forward(x);
    expect(liveTensors() - before).toBe(2);
  });
  expect(left.size).toBeGreaterThan(50);
  expect([...left].filter(([, count]) => count !== 1)).toEqual([]);
});

test("backward frees what it has used while the loss lives on", () => {
  const model = thickNetwork({ layers: 50 });
  scope(() => {
    const [x, labels] = [randn([2, 3, 129, 129]), zeros([2, 129, 129], { dtype: "uint8" })];
    const before = memoryInUse();
    const loss = scope(() =>
      segmentationLoss(model.forward(x), labels, { alignCorners: true, auxWeight: 0.4, classWeights: null }),
    );
    const held = memoryInUse() - before;
    loss.backward();
    expect(memoryInUse() - before).toBeLessThan(held / 10);
  });
});

test("500 training steps keep the number of tensors and the memory where they are after 50", async () => {
  // Its operations are too small to be shared out: where other work holds a core, threads wait for each other at the end of each.
  setNumThreads(1);
  const model = new PSPNet(pspnetConfig({ classes: 5, layers: 18, width: 4, headChannels: 8, auxChannels: 8 }));
  initialise(model, backend(), { seed: 0 });
  const optimiser = createOptimiser(model, { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
  const [n, size] = [2, 65];
  const batch = {
    images: Float32Array.from({ length: n * size * size * 3 }, (_, i) => Math.sin(i)),
    labels: Uint8Array.from({ length: n * size * size }, (_, i) => i % 5),
    ids: ["a", "b"],
    shape: [n, size, size] as const,
    release: () => {},
  };
  const options = {
    device: "cpu",
    precision: fastBfloat16() ? "bf16" : "fp32",
    accumulate: 2,
    auxWeight: 0.4,
    classWeights: null,
    seed: 0,
  } as const;
  const memory: number[] = [];
  let live = 0;
  for (let step = 1; step <= 500; step++) {
    expect(await trainStep(model, optimiser, batch, options)).toBeLessThan(10);
    if (step === 50) live = liveTensors();
    if (step % 50 === 0) memory.push(process.memoryUsage().rss / 2 ** 20);
  }
  expect(liveTensors()).toBe(live);
  // A step's own tensors take 5 MB: one that were kept from each step would show a hundredfold.
  expect(memory.at(-1)! - memory[0]).toBeLessThan(48);
  expect(peakMemory() / 2 ** 20).toBeLessThan(100);
});
