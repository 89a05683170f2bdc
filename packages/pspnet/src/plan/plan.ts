import { alignedSize, type Crop, cropSize, PspnetError, type Size } from "@pspnet/core";
import { seconds } from "../config/duration.js";
import { completeConfig } from "../config/load.js";
import type { TrainConfig } from "../config/schema.js";
import { isTree, merge, type Tree } from "../config/tree.js";
import { countRanks } from "../ranks/rankDevice.js";
import type { TextStream } from "../report/progress.js";
import { nameOf } from "../train/initMisfit.js";
import { agrees, type Candidate, networksFromNothing, networksOf, pulledWeights } from "./candidates.js";
import { type Choice, Choices } from "./choices.js";
import type { DataFacts } from "./dataFacts.js";
import * as decide from "./decisions.js";
import type { MachineFacts } from "./machineFacts.js";
import { measureStep, type StepCost } from "./measureStep.js";

export interface PlanOptions {
  readonly data: DataFacts;
  readonly machine: MachineFacts;
  /** What is settled before: where the data is, the run's name. */
  readonly keys: Tree;
  /** What the command line gives: it stands, and the rest is chosen for it. */
  readonly given: Tree;
  /** How a step is measured: on this machine when it is left out. */
  readonly measure?: typeof measureStep;
  readonly signal?: AbortSignal;
  /** Where it is said what takes a while. */
  readonly stream?: TextStream;
}

export interface Plan {
  readonly config: TrainConfig;
  readonly choices: readonly Choice[];
}

/**
 * Chooses how to train: the network and what it starts from, the crop, the batch and the rest of the configuration, by what the data is
 * like, what the machine has, and what a step costs on it. Each line of it can be given otherwise.
 *
 * @throws PspnetError "config" for what is given and cannot be; "weights" for starting weights that cannot be read; "interrupted".
 */
export async function plan(options: PlanOptions): Promise<Plan> {
  const { data, machine, keys, given, signal } = options;
  const said = completeConfig(keys, given, "plan");
  const choices = new Choices(given, said);
  const time = said.budget === null ? decide.AN_HOUR : seconds(said.budget);
  if (choices.isGiven("budget")) choices.say(`budget=${said.budget}`, "as you say");
  const ranks = countRanks(said.ranks);
  const batch = choices.choose("batch", () => decide.chooseBatch(data, { ...said, ranks }));
  const batches = Math.max(1, Math.floor((said.fraction * data.training) / batch));
  const most = choices.isGiven("epochs") ? said.epochs * batches : Number.POSITIVE_INFINITY;
  const trials: Trial[] = [];
  for await (const { candidate, untold } of candidates(said, options)) {
    signal?.throwIfAborted();
    const found = await tryOut(candidate, { ...options, choices, batch, time, most });
    trials.push({ ...found, untold });
    if (found.reach >= 1) break;
  }
  const best = trials.reduce((one, other) => (other.reach > one.reach ? other : one));
  const { candidate, cost, crop } = best;
  const { secondsPerPixel, bytesPerPixel } = cost;
  const pretrained = candidate.init !== null;
  settleNetwork(best, choices, { measured: trials.length });
  choices.choose<Crop>("crop", () => [
    [crop.height, crop.width],
    `photographs are ${data.mixed ? "about " : ""}${data.size.height}x${data.size.width}; about ${best.steps} steps of it fit ${said.budget ?? "an hour"}`,
  ]);
  const pixels = batch * crop.height * crop.width;
  const step = decide.stepTime({ batch, crop }, cost);
  const endless = said.budget === null && choices.isGiven("epochs");
  const steps = endless ? most : Math.max(1, Math.min(best.steps, most));
  const parts = choices.choose("accumulate", () =>
    decide.chooseParts({ batch, ranks, bytes: pixels * bytesPerPixel }, machine),
  );
  choices.choose("freezeBn", () => decide.chooseFreezeBn(batch / parts, { pretrained }));
  const epochs = choices.choose("epochs", () => decide.chooseEpochs({ steps, batches, budget: said.budget }));
  const likely = Math.min(steps, epochs * batches);
  choices.choose("lr", () => decide.chooseRate({ batch, steps: likely }, { pretrained }));
  choices.choose("headLrFactor", () => decide.chooseHeadLrFactor({ pretrained }));
  choices.choose("warmup", () => decide.chooseWarmup(likely));
  choices.choose("classWeights", () => decide.chooseClassWeights(data, { steps: likely }));
  choices.choose("cache", () =>
    decide.chooseCache(data, Math.max(0, machine.memory - (pixels * bytesPerPixel) / parts)),
  );
  choices.choose("workers", () => decide.chooseWorkers(machine));
  choices.choose("validation.crop", () => decide.chooseValidationCrop(data.largest, crop));
  choices.choose("validation.every", () =>
    decide.chooseValidationEvery({
      epochs: likely / batches,
      step,
      batches,
      secondsPerPixel,
      pixels: data.validation * data.size.height * data.size.width,
    }),
  );
  return { config: completeConfig(merge(keys, choices.keys), given, "plan"), choices: choices.made };
}

/** A network, and how far the time goes with it. */
interface Trial {
  readonly candidate: Candidate;
  /** `ResNet-18, width 32, plain stem` */
  readonly name: string;
  readonly cost: StepCost;
  /** Null, or why the cost is assumed. */
  readonly unmeasured: string | null;
  readonly crop: Size;
  /** Of such crops in the time. */
  readonly steps: number;
  /** Steps over those that it must have to get further than a smaller one. */
  readonly reach: number;
  /** Keys of it that the starting weights do not tell. */
  readonly untold: readonly string[];
}

/** The networks that may be trained, the best first: from the starting weights that are given, else from those at hand, else from nothing. */
async function* candidates(
  said: TrainConfig,
  { data, given, ...pulling }: Pick<PlanOptions, "data" | "given" | "signal" | "stream">,
): AsyncGenerator<{ readonly candidate: Candidate; readonly untold: readonly string[] }> {
  const model = isTree(given.model) ? given.model : {};
  const options = { classes: data.classes.length, given: model, ...pulling };
  if (said.init !== null) {
    const { candidates, untold } = await networksOf({ init: said.init, why: "of your init" }, options);
    for (const candidate of candidates) yield { candidate, untold };
    return;
  }
  for (const { name } of "init" in given ? [] : pulledWeights()) {
    try {
      const { candidates, untold } = await networksOf({ init: name, why: `${name} was pulled before` }, options);
      for (const candidate of candidates) if (agrees(candidate, model)) yield { candidate, untold };
    } catch (error) {
      // Nobody asked for these.
      if (!(error instanceof PspnetError) || pulling.signal?.aborted) throw error;
      pulling.stream?.write(`passed over: ${error.message}\n`);
    }
  }
  const own = networksFromNothing();
  const asGiven = said.model.backbone.kind !== "resnet" || "preset" in model;
  const free = own.filter((candidate) => agrees(candidate, { backbone: model.backbone }));
  const tried = asGiven ? [{ ...own[0], model: {} }] : free.length > 0 ? free : own.slice(0, 1);
  for (const candidate of tried) yield { candidate, untold: [] };
}

interface TrialOptions extends PlanOptions {
  readonly choices: Choices;
  readonly batch: number;
  /** Seconds. */
  readonly time: number;
  /** Steps that the given epochs have. */
  readonly most: number;
}

/** Pixels of the crop that is measured. */
const MEASURED = 185 ** 2;
/** About what two cores without bfloat16 take for a pixel of a ResNet-50: for where nothing can be measured. */
const ASSUMED: StepCost = { secondsPerStep: 0.5, secondsPerPixel: 2.5e-5, bytesPerPixel: 4000 };

async function tryOut(
  candidate: Candidate,
  { choices, data, machine, keys, given, batch, time, most, measure = measureStep, signal, stream }: TrialOptions,
): Promise<Omit<Trial, "untold">> {
  const { model, wanted, fewest, smallest } = candidate;
  const trial = completeConfig({ ...keys, model }, given, "plan");
  const align = (size: Size) => alignedSize(size, trial.model);
  const crops = choices.isGiven("crop") ? [cropSize(choices.said.crop)] : decide.cropsFor(data.size, align);
  const measured = crops.find(({ height, width }) => height * width <= MEASURED) ?? crops[crops.length - 1];
  const { backbone } = trial.model;
  const name = `${nameOf(backbone)}${backbone.outputStride === 8 ? "" : `, output stride ${backbone.outputStride}`}`;
  stream?.write(`measuring a step of ${name}\n`);
  const options = {
    classes: data.classes.length,
    engine: machine,
    crop: [measured.height, measured.width] as const,
    signal,
  };
  let unmeasured: string | null = null;
  const cost = await measure(trial, options).catch((error: Error) => {
    signal?.throwIfAborted();
    unmeasured = error.message.split("\n")[0];
    return ASSUMED;
  });
  const stepsAt = (crop: Size) => decide.stepsWithin(time, decide.stepTime({ batch, crop }, cost));
  const crop = decide.chooseCrop(crops, { stepsAt, wanted: Math.min(wanted, most), smallest });
  const steps = stepsAt(crop);
  return { candidate, name, cost, unmeasured, crop, steps, reach: steps / Math.min(fewest, most) };
}

function settleNetwork(
  { candidate, name, cost, unmeasured, untold }: Trial,
  choices: Choices,
  { measured }: { readonly measured: number },
): void {
  const { model, init, newHead, why, strideWhy } = candidate;
  choices.set("model", model);
  const smaller = measured > 1 ? "; larger ones would have too few steps" : "";
  const rate = (1 / cost.secondsPerPixel / 1e6).toPrecision(2);
  const speed =
    unmeasured === null
      ? `${rate} million pixels a second in training`
      : `its speed could not be measured (${unmeasured})`;
  choices.say(
    `model: ${name}`,
    `${init === null ? `from random weights${smaller}` : `the network of ${init}`}; ${speed}`,
  );
  if (strideWhy !== undefined) choices.say("model.backbone.outputStride=16", strideWhy);
  if (untold.length > 0)
    choices.say(
      `model: ${untold.join(", ")}`,
      "its weights do not tell; taken as PyTorch has them. Of a ResNet of Caffe say model.backbone.strideIn=1x1 model.backbone.ceilPool=true",
    );
  choices.choose("init", () => [init, why]);
  if (newHead) choices.choose("head", () => ["new", "its heads are for other classes"]);
}
