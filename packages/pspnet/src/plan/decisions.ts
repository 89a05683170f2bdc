import type { Size } from "@pspnet/core";
import { counted } from "../report/counted.js";
import { duration } from "../report/progress.js";
import { percent } from "../report/table.js";
import type { Chosen } from "./choices.js";
import type { DataFacts } from "./dataFacts.js";
import type { MachineFacts } from "./machineFacts.js";
import type { StepCost } from "./measureStep.js";

/** What a plan decides of facts and of what was decided before, each by itself. The figures behind them are in docs/training.md. */

/** Below so many photographs batches are small, so that there are steps enough. */
const FEW = 400;

/** Images of a batch, for as many ranks and parts as are given: 16 as the official release, 8 of few photographs, and never more than there are. */
export function chooseBatch(
  { training }: Pick<DataFacts, "training">,
  { accumulate, ranks }: { readonly accumulate: number; readonly ranks: number },
): Chosen<number> {
  const [batch, why] = batchOf(training);
  const shares = accumulate * ranks;
  return [Math.max(1, Math.floor(batch / shares)) * shares, why];
}

function batchOf(training: number): Chosen<number> {
  if (training < 8) return [training, `all of ${counted(training, "photograph")}`];
  if (training < FEW) return [8, `few photographs (${training}) make more steps of small batches`];
  return [16, "as the official release"];
}

/** Sides of the squares as large as the crops that are tried. */
const SIDES = [713, 593, 473, 377, 297, 233, 185, 145, 113] as const;

/**
 * Crops that a photograph of that size is trained on, the largest first: of its own proportions and no larger than it is.
 *
 * @param align the next size that the network takes.
 */
export function cropsFor(photograph: Size, align: (size: Size) => Size): Size[] {
  const area = photograph.height * photograph.width;
  const factors = [...new Set(SIDES.map((side) => Math.min(1, Math.sqrt(side ** 2 / area))))];
  return factors.map((factor) =>
    align({
      height: Math.max(9, Math.round(photograph.height * factor)),
      width: Math.max(9, Math.round(photograph.width * factor)),
    }),
  );
}

/** Share of the time that goes to steps; the rest is for validations, checkpoints and waiting. */
export const OF_STEPS = 0.85;

/** Seconds of a step. */
export function stepTime(
  { batch, crop }: { readonly batch: number; readonly crop: Size },
  { secondsPerStep, secondsPerPixel }: Pick<StepCost, "secondsPerStep" | "secondsPerPixel">,
): number {
  return secondsPerStep + batch * crop.height * crop.width * secondsPerPixel;
}

/** Steps of so many seconds that fit a time. */
export function stepsWithin(seconds: number, step: number): number {
  return Math.floor((OF_STEPS * seconds) / step);
}

/**
 * The largest crop that leaves as many steps as are wanted, else the smallest.
 *
 * @param smallest side of the square that the crop is as large as at least, where there is one.
 */
export function chooseCrop(
  crops: readonly Size[],
  {
    stepsAt,
    wanted,
    smallest = 0,
  }: { readonly stepsAt: (crop: Size) => number; readonly wanted: number; readonly smallest?: number },
): Size {
  const least = crops.findLast(({ height, width }) => height * width >= smallest ** 2) ?? crops[0];
  return crops.slice(0, crops.indexOf(least)).find((crop) => stepsAt(crop) >= wanted) ?? least;
}

/** Share of the memory that a step may take. */
const OF_MEMORY = 0.5;
/** Images at a time whose batch norm has statistics worth having. */
const SMALL_BATCH = 4;

/** Parts that each rank's share of a batch is split into, so that all fit the memory. */
export function chooseParts(
  { batch, ranks, bytes }: { readonly batch: number; readonly ranks: number; readonly bytes: number },
  { memory, device }: Pick<MachineFacts, "memory" | "device">,
): Chosen<number> {
  if (device === "cuda") return [1, "the GPU's memory is not looked at; if it does not suffice, 2 or 4"];
  const share = batch / ranks;
  const divisors = Array.from({ length: share }, (_, i) => i + 1).filter((parts) => share % parts === 0);
  const parts = divisors.find((one) => bytes / one <= OF_MEMORY * memory) ?? share;
  const need = `a batch takes about ${memoryText(bytes)}, ${memoryText(memory)} are free`;
  return [parts, parts === 1 ? need : `${need}: ${counted(batch / parts, "image")} at a time`];
}

/** Whether batch norm keeps the backbone's statistics: where a few images at a time would give worse ones. */
export function chooseFreezeBn(
  seen: number,
  { pretrained }: { readonly pretrained: boolean },
): Chosen<boolean | "backbone"> {
  if (seen >= SMALL_BATCH) return [false, `batch norm sees ${seen} images at a time`];
  if (!pretrained) return [false, "statistics that nothing was trained for are not worth keeping"];
  return ["backbone", `batch norm sees ${counted(seen, "image")} at a time, too few for statistics of its own`];
}

/** The learning rate of the backbone for one image of a batch, by how many steps there are: short runs diverge at the official rate. */
const RATES = [
  { below: 500, rate: 0.00025 },
  { below: 2000, rate: 0.0005 },
  { below: Number.POSITIVE_INFINITY, rate: 0.01 / 16 },
] as const;
/** The same of a network that nothing was trained of. */
const FROM_NOTHING = 0.005;

export function chooseRate(
  { batch, steps }: { readonly batch: number; readonly steps: number },
  { pretrained }: { readonly pretrained: boolean },
): Chosen<number> {
  if (!pretrained) return [rounded(FROM_NOTHING * batch), `from nothing, all parts alike, batch ${batch}`];
  const { rate } = RATES.find(({ below }) => steps < below)!;
  const official = rate * 16 === 0.01;
  const why = official
    ? "the official release's 0.01 of a batch of 16"
    : `about ${steps} steps, batch ${batch}: more would diverge`;
  return [rounded(rate * batch), why];
}

/** The learning rate of the heads over that of the backbone. */
export function chooseHeadLrFactor({ pretrained }: { readonly pretrained: boolean }): Chosen<number> {
  return pretrained ? [10, "the heads are new, the backbone is not"] : [1, "nothing is trained beforehand"];
}

/** Share of a run in which the learning rate rises, and the most steps of it. */
const RISING = 0.1;
const MOST_RISING = 500;

export function chooseWarmup(steps: number): Chosen<number> {
  return [
    Math.min(Math.ceil(RISING * steps), MOST_RISING),
    "the learning rate rises at first, so that the loss falls from the start",
  ];
}

/** A class is rare that has less than this part of an equal share. */
const RARE = 0.1;
/** Steps below which weights make more noise than good: a batch's loss is then that of the few pixels that weigh most. */
const STEPS_TO_WEIGH = 500;

/** Whether classes are weighted: where some are rare, and there is the time to learn them. */
export function chooseClassWeights(
  { classes, shares }: Pick<DataFacts, "classes" | "shares">,
  { steps }: { readonly steps: number },
): Chosen<"enet" | null> {
  const rare = classes.filter((_, id) => shares[id] > 0 && shares[id] < RARE / classes.length);
  if (rare.length === 0) return [null, "no class is rare"];
  const named = rare.slice(0, 3).map((name) => `${name} ${percent(shares[classes.indexOf(name)])} %`);
  const more = rare.length > 3 ? ` and ${rare.length - 3} more` : "";
  const found = `rare: ${named.join(", ")}${more}`;
  return steps < STEPS_TO_WEIGH ? [null, `${found}; too few steps (${steps}) to weigh them`] : ["enet", found];
}

/** Share of the memory that is left beside a step which decoded photographs may take. */
const OF_THE_REST = 0.4;
/** Bytes of a decoded pixel: three of the photograph, one of its mask. */
const BYTES_PER_PIXEL = 4;

export function chooseCache(
  { training, size: { height, width } }: Pick<DataFacts, "training" | "size">,
  memory: number,
): Chosen<"none" | "ram"> {
  const bytes = training * height * width * BYTES_PER_PIXEL;
  const fits = bytes <= OF_THE_REST * memory;
  return [
    fits ? "ram" : "none",
    `decoded photographs take ${memoryText(bytes)}, ${memoryText(memory)} are left beside a step`,
  ];
}

/** Loader threads. */
export function chooseWorkers({ device, cores }: Pick<MachineFacts, "device" | "cores">): Chosen<number> {
  if (device === "cuda") return [Math.max(1, Math.min(8, cores - 1)), "a GPU is fast, and wants to be fed"];
  return cores < 8 ? [1, "one keeps up with a processor of few cores"] : [2, `${cores} cores`];
}

/** Seconds that a run without a budget is planned for. */
export const AN_HOUR = 3600;
/** Steps after which a run is trained out. */
const ENOUGH = 40_000;
/** Epochs of a run with a budget, over those that it is likely to have time for: the clock is to end it. */
const AMPLE = 3;

export function chooseEpochs({
  steps,
  batches,
  budget,
}: {
  readonly steps: number;
  readonly batches: number;
  readonly budget: string | null;
}): Chosen<number> {
  const likely = Math.min(steps, ENOUGH) / batches;
  if (budget === null) {
    const epochs = Math.max(1, Math.round(likely));
    return [
      epochs,
      `about ${duration((epochs * batches * AN_HOUR) / Math.max(steps, 1))} of this machine; --budget 30m says how long`,
    ];
  }
  const epochs = Math.max(1, Math.ceil(Math.min(AMPLE * steps, ENOUGH) / batches));
  return [epochs, `the most there are: ${budget} will be over after about ${Math.max(1, Math.round(likely))}`];
}

/** Validations of a run at most, and the share of the training time that they take. */
const MOST_VALIDATIONS = 20;
const OF_TRAINING = 0.1;
/** A validation's pixel over that of a step: there is no way back. */
const FORWARD = 1 / 3;

/** Epochs between validations. */
export function chooseValidationEvery({
  epochs,
  step,
  batches,
  secondsPerPixel,
  pixels,
}: {
  /** That the run is likely to have. */
  readonly epochs: number;
  /** Seconds of one. */
  readonly step: number;
  readonly batches: number;
  readonly secondsPerPixel: number;
  /** Of all photographs to validate on. */
  readonly pixels: number;
}): Chosen<number> {
  const validation = pixels * secondsPerPixel * FORWARD;
  const every = Math.max(
    1,
    Math.ceil(validation / (OF_TRAINING * step * batches)),
    Math.ceil(epochs / MOST_VALIDATIONS),
  );
  return [
    every,
    `a validation takes about ${duration(validation)}, an epoch ${duration(step * batches)}; there is one at the end`,
  ];
}

/** Pixels of a photograph above which it is validated window by window. */
const LARGE = 1_000_000;

/** Null: whole photographs. */
export function chooseValidationCrop(largest: Size, crop: Size): Chosen<readonly [number, number] | null> {
  if (largest.height * largest.width <= LARGE) return [null, "whole photographs"];
  return [
    [crop.height, crop.width],
    `photographs of ${largest.height}x${largest.width} are looked at window by window`,
  ];
}

/** `1.5 GB`, `30 MB` */
export function memoryText(bytes: number): string {
  const gigabytes = bytes / 2 ** 30;
  return gigabytes >= 1 ? `${gigabytes.toFixed(1)} GB` : `${Math.ceil(bytes / 2 ** 20)} MB`;
}

/** To two digits, which is more than is known. */
const rounded = (value: number) => Number(value.toPrecision(2));
