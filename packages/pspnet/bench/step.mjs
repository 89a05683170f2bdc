// Seconds and peak memory of a training step on random data: forward, both losses, backward, SGD. One JSON line.
//   node packages/pspnet/bench/step.mjs [--layers 50] [--classes 150] [--size 473] [--batch 2] [--dtype bf16] [--runs 5] [--checkpoint]
import { initialise, PSPNet, pspnetConfig } from "@pspnet/core";
import { backend, manualSeed, numThreads, version } from "@pspnet/torch";
import { createOptimiser } from "../dist/train/optimiser.js";
import { trainStep } from "../dist/train/step.js";
import { flags } from "./flags.mjs";

const { layers, classes, size, batch, dtype, runs, checkpoint } = flags({
  layers: 50,
  classes: 150,
  size: 473,
  batch: 2,
  dtype: "bf16",
  runs: 5,
  checkpoint: false,
});

manualSeed(0);
const model = new PSPNet(pspnetConfig({ layers, classes }));
initialise(model, backend(), { seed: 0 });
const optimiser = createOptimiser(model, { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
const pixels = batch * size * size;
const data = {
  images: Float32Array.from({ length: 3 * pixels }, () => 2 * Math.random() - 1),
  labels: Uint8Array.from({ length: pixels }, () => Math.floor(classes * Math.random())),
  ids: [],
  shape: [batch, size, size],
  release: () => {},
};
const options = {
  device: "cpu",
  precision: dtype,
  accumulate: 1,
  checkpoint,
  auxWeight: 0.4,
  classWeights: null,
  seed: 0,
};
const seconds = [];
for (let run = 0; run <= runs; run++) {
  const start = performance.now();
  await trainStep(model, optimiser, data, options);
  seconds.push((performance.now() - start) / 1000);
}
const sorted = seconds.slice(1).sort((a, b) => a - b);
console.log(
  JSON.stringify({
    engine: `pspnet, libtorch ${version()}`,
    ...{ layers, classes, size, batch, dtype, threads: numThreads() },
    median_s: sorted[Math.floor(sorted.length / 2)],
    min_s: sorted[0],
    peak_rss_mb: Math.round(process.resourceUsage().maxRSS / 1024),
  }),
);
