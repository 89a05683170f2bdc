import { type Crop, cropSize, inputChannels } from "@pspnet/core";
import { backend, memoryInUse, peakMemory, releaseMemory, type Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import type { Engine } from "../segment/engine.js";
import { officialRecipe } from "../train/recipe.js";

/** What a training step costs on this machine. */
export interface StepCost {
  /** What its weights take, whatever the batch. */
  readonly secondsPerStep: number;
  /** What each pixel of the batch takes beside that. */
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

/** Images of the steps that are measured: as few as batch norm can do with, and twice as many. */
const BATCHES = [2, 4] as const;
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
    const { auxWeight, checkpoint, seed } = config;
    const parts = { ...engine, accumulate: 1, auxWeight, checkpoint, classWeights: null, seed };
    model.train();
    const timed = async (images: number) => {
      const batch = noise(images, { crop, classes, channels: inputChannels(config.model.input) });
      const step = async () => {
        signal?.throwIfAborted();
        const before = performance.now();
        await officialRecipe.step(model, optimiser, batch, parts);
        return (performance.now() - before) / 1000;
      };
      // The first one makes kernels ready, and the momentum.
      await step();
      const times: number[] = [];
      const start = performance.now();
      do times.push(await step());
      while (times.length < MOST_STEPS && performance.now() - start < 1000 * LONG_ENOUGH);
      return Math.min(...times);
    };
    const { height, width } = cropSize(crop);
    const pixels = height * width;
    const [few, more] = BATCHES;
    const fewer = await timed(few);
    releaseMemory();
    const kept = memoryInUse();
    const seconds = await timed(more);
    return {
      ...shareOut([fewer, seconds], [few * pixels, more * pixels]),
      bytesPerPixel: Math.max(peakMemory() - kept, 0) / (more * pixels),
    };
  } finally {
    optimiser.dispose();
    for (const parameter of model.stateDict().values()) parameter.as<Tensor>().dispose();
    releaseMemory();
  }
}

/** Of a step that takes longer than half as many pixels do, at least this share is its pixels', whatever the noise. */
const OF_PIXELS = 0.5;

/** What a step takes whatever its pixels are, and what each of them takes, by two steps. */
export function shareOut(
  [fewer, seconds]: readonly [number, number],
  [few, pixels]: readonly [number, number],
): Pick<StepCost, "secondsPerStep" | "secondsPerPixel"> {
  const secondsPerPixel = Math.min(
    seconds / pixels,
    Math.max((seconds - fewer) / (pixels - few), (OF_PIXELS * seconds) / pixels),
  );
  return { secondsPerPixel, secondsPerStep: seconds - secondsPerPixel * pixels };
}

function noise(
  images: number,
  { crop, classes, channels }: { readonly crop: Crop; readonly classes: number; readonly channels: number },
) {
  const { height, width } = cropSize(crop);
  const pixels = images * height * width;
  return {
    images: Float32Array.from({ length: channels * pixels }, (_, i) => ((i * 37) % 255) / 128 - 1),
    labels: Uint8Array.from({ length: pixels }, (_, i) => Math.floor(i / 64) % classes),
    ids: [],
    shape: [images, height, width] as const,
    release: () => {},
  };
}
