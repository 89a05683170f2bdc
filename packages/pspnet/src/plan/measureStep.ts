import { type Crop, cropSize, inputChannels } from "@pspnet/core";
import { backend, memoryInUse, peakMemory, releaseMemory, type Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import type { Engine } from "../segment/engine.js";
import { officialRecipe } from "../train/recipe.js";

/** What a training step costs on this machine. Both grow with the pixels of a batch. */
export interface StepCost {
  readonly secondsPerPixel: number;
  /** Of main memory, beside the weights. */
  readonly bytesPerPixel: number;
}

export interface MeasureOptions {
  readonly classes: number;
  readonly engine: Engine;
  readonly crop: Crop;
  readonly signal?: AbortSignal;
}

/** Images of a step that is measured: as few as batch norm can do with. */
const BATCH = 2;
/** Seconds that are measured where steps are short: the first ones come up to speed. */
const LONG_ENOUGH = 0.5;
const MOST_STEPS = 8;

/** Takes a few steps of a run's network, from random weights and on noise, and looks at the clock and at the memory. */
export async function measureStep(
  config: TrainConfig,
  { classes, engine, crop, signal }: MeasureOptions,
): Promise<StepCost> {
  const memory = backend({ device: engine.device });
  const model = await officialRecipe.network({ ...config, init: null }, { classes, backend: memory });
  const optimiser = officialRecipe.optimiser(model, config, {});
  try {
    const { height, width } = cropSize(crop);
    const pixels = BATCH * height * width;
    const values = inputChannels(config.model.input) * pixels;
    const batch = {
      images: Float32Array.from({ length: values }, (_, i) => ((i * 37) % 255) / 128 - 1),
      labels: Uint8Array.from({ length: pixels }, (_, i) => Math.floor(i / 64) % classes),
      ids: [],
      shape: [BATCH, height, width] as const,
      release: () => {},
    };
    const { auxWeight, seed } = config;
    const parts = { ...engine, accumulate: 1, auxWeight, classWeights: null, seed };
    model.train();
    const step = async () => {
      signal?.throwIfAborted();
      const before = performance.now();
      await officialRecipe.step(model, optimiser, batch, parts);
      return (performance.now() - before) / 1000;
    };
    // The first one makes kernels ready, and the momentum.
    await step();
    releaseMemory();
    const kept = memoryInUse();
    const times: number[] = [];
    const start = performance.now();
    do times.push(await step());
    while (times.length < MOST_STEPS && performance.now() - start < 1000 * LONG_ENOUGH);
    return {
      secondsPerPixel: Math.min(...times) / pixels,
      bytesPerPixel: Math.max(peakMemory() - kept, 0) / pixels,
    };
  } finally {
    optimiser.dispose();
    for (const parameter of model.stateDict().values()) parameter.as<Tensor>().dispose();
    releaseMemory();
  }
}
