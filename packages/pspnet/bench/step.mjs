// Seconds and peak memory of a training step on random data: forward, both losses, backward, SGD. One JSON line.
//   node packages/pspnet/bench/step.mjs [--layers 50] [--classes 150] [--size 473] [--batch 2] [--dtype bf16] [--device cpu] [--runs 5] [--checkpoint] [--turns] [--build ../another/clone]
import { built } from "./built.mjs";
import { flags } from "./flags.mjs";
import { randomBatch } from "./randomBatch.mjs";
import { TURN_FLAGS, takeTurns } from "./turns.mjs";

const { layers, classes, size, batch, dtype, device, checkpoint, ...turns } = flags({
  layers: 50,
  classes: 150,
  size: 473,
  batch: 2,
  dtype: "bf16",
  device: "cpu",
  checkpoint: false,
  ...TURN_FLAGS,
});
const product = built(turns.build);
const { initialise, PSPNet, pspnetConfig } = await product("core/dist/index.js");
const { backend, gpuMemory, manualSeed, numThreads, version } = await product("torch/dist/index.js");
const { createOptimiser } = await product("pspnet/dist/train/optimiser.js");
const { trainStep } = await product("pspnet/dist/train/step.js");

manualSeed(0);
const model = new PSPNet(pspnetConfig({ layers, classes }));
initialise(model, backend({ device }), { seed: 0 });
const optimiser = createOptimiser(model, { lr: 0.01, momentum: 0.9, weightDecay: 1e-4 });
const data = randomBatch({ batch, size, classes });
const options = {
  device,
  precision: dtype,
  accumulate: 1,
  checkpoint,
  auxWeight: 0.4,
  classWeights: null,
  seed: 0,
};
await takeTurns(() => trainStep(model, optimiser, data, options), {
  ...turns,
  warmUp: 3,
  about: {
    engine: `pspnet, libtorch ${version()}`,
    layers,
    classes,
    size,
    batch,
    dtype,
    device,
    threads: numThreads(),
  },
  last: () => (device === "cpu" ? {} : { peak_gpu_mb: Math.round(gpuMemory() / 2 ** 20) }),
});
