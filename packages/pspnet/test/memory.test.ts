import { initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { backend, liveTensors, peakMemory } from "@pspnet/torch";
import { load, randomWeights } from "pspnet";
import { expect, test } from "vitest";
import { createOptimiser } from "../src/train/optimiser.js";
import { trainStep } from "../src/train/step.js";

test("however many sizes of images come, a network holds what belongs to the last ones alone", async () => {
  const config = pspnetConfig({ classes: 5, layers: 18, width: 4, headChannels: 8, aux: false });
  const net = await load(randomWeights(config), { runtime: "torch" });
  const live: number[] = [];
  for (let height = 17; height <= 417; height += 8) {
    await net.segment({ width: 33, height, data: new Uint8Array(3 * 33 * height) });
    live.push(liveTensors());
  }
  expect(live[20]).toBeGreaterThan(live[0]);
  expect(new Set(live.slice(20))).toEqual(new Set([live[20]]));
  await net.dispose();
  expect(liveTensors()).toBe(0);
});

test("500 training steps keep the number of tensors and the memory where they are after 50", () => {
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
  const options = { device: "cpu", bf16: true, accumulate: 2, auxWeight: 0.4, classWeights: null, seed: 0 } as const;
  const memory: number[] = [];
  let live = 0;
  for (let step = 1; step <= 500; step++) {
    expect(trainStep(model, optimiser, batch, options)).toBeLessThan(10);
    if (step === 50) live = liveTensors();
    if (step % 50 === 0) memory.push(process.memoryUsage().rss / 2 ** 20);
  }
  expect(liveTensors()).toBe(live);
  // A step's own tensors take 5 MB: one that were kept from each step would show a hundredfold.
  expect(memory.at(-1)! - memory[0]).toBeLessThan(48);
  expect(peakMemory() / 2 ** 20).toBeLessThan(100);
});
