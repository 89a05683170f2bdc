import {
  describeWeights,
  loadStateDict,
  mixSeed,
  type PSPNet,
  PspnetError,
  safetensorsPieces,
  WHOLE_IMAGE,
} from "@pspnet/core";
import { backend, type SGD, type Tensor } from "@pspnet/torch";
import { seconds, type TrainConfig, type TrainConfigInput } from "../config/schema.js";
import { validateTrainConfig } from "../config/validate.js";
import { type Dataset, openDataset } from "../data/dataset.js";
import { type Batch, Loader } from "../data/loader.js";
import { atomicWrite } from "../files/atomicWrite.js";
import type { TextStream } from "../report/progress.js";
import { type Engine, openEngine } from "../segment/engine.js";
import { evaluate } from "../segment/evaluate.js";
import { TorchSegmenter } from "../segment/torchSegmenter.js";
import { epochOf, NEW_RUN, networkState, saveCheckpoint, type TrainState } from "./checkpoint.js";
import { checkClassWeights } from "./loss.js";
import { createNetwork, stateOf } from "./network.js";
import { createOptimiser, setLearningRate } from "./optimiser.js";
import { placeRun, Run } from "./run.js";
import { poly, progress } from "./schedule.js";
import { trainStep } from "./step.js";

export interface TrainOptions {
  /** Aborting it ends the run after the current step: saved, and ready to be resumed. */
  readonly signal?: AbortSignal;
  /** Where the live line and the messages go; nowhere when it is left out. */
  readonly stream?: TextStream;
}

/** Why a run ended: all epochs done or the budget used up, `patience` or `time` used up, or the caller's signal. */
export type Ending = "complete" | "early stop" | "time" | "interrupted";

export interface TrainResult {
  readonly folder: string;
  readonly ending: Ending;
  readonly state: TrainState;
}

/** What a run works with. Everything that changes and must survive is in `state`, `model` and `optimiser`. */
interface Job {
  readonly config: TrainConfig;
  readonly engine: Engine;
  readonly run: Run;
  readonly loader: Loader;
  readonly validation: Dataset;
  readonly model: PSPNet;
  readonly optimiser: SGD;
  readonly state: TrainState;
  /** When the run began, by `performance.now()`, as if it had never been broken off. */
  readonly began: number;
  readonly signal: AbortSignal | undefined;
}

/**
 * Trains PSPNet by the official recipe, or what the configuration makes of it, into `runs/<name>`.
 *
 * The same configuration gives the same weights, bit for bit, whatever the number of loader workers, and however often the
 * run is broken off and resumed. With a budget the learning rate follows the clock, so only the steps that were done are kept.
 *
 * @throws PspnetError "config", "data" or "weights" before the first step; "training" for a loss that is not finite.
 */
export async function train(given: TrainConfigInput, { signal, stream }: TrainOptions = {}): Promise<TrainResult> {
  const config = validateTrainConfig(given, "train");
  const start = performance.now();
  const engine = openEngine(config);
  const training = await openDataset(config.data, "train");
  const validation = await openDataset(config.data, "val");
  const { classes } = training;
  checkClassWeights(config, classes.names.length);
  const memory = backend({ device: engine.device });
  const model = await createNetwork(config, { classes: classes.names.length, backend: memory });
  const { folder, checkpoint } = await placeRun(config);
  if (checkpoint) loadStateDict(model, checkpoint.weights, { backend: memory });
  const optimiser = createOptimiser(model, config, { momentum: checkpoint?.momentum });
  const state = { ...(checkpoint?.state ?? NEW_RUN) };
  const began = start - 1000 * state.elapsed;
  const loader = new Loader(training, { ...config, input: config.model.input });
  let run: Run | undefined;
  try {
    const steps = config.epochs * loader.batches;
    run = await Run.open(folder, config, { classes, stream, state, began, steps, precision: engine.precision });
    warnOfSmallBatch(run, config);
    const ending = await trainEpochs({
      config,
      engine,
      run,
      loader,
      validation,
      model,
      optimiser,
      state,
      began,
      signal,
    });
    return { folder, ending, state };
  } finally {
    await loader.close();
    await run?.close();
    optimiser.dispose();
    for (const parameter of model.stateDict().values()) parameter.as<Tensor>().dispose();
  }
}

const SMALL_BATCH = 4;

function warnOfSmallBatch(run: Run, { batch, accumulate, freezeBn }: TrainConfig): void {
  const part = batch / accumulate;
  if (freezeBn || part >= SMALL_BATCH) return;
  run.say(
    `batch norm sees ${part} images at a time, too few for good statistics: set freezeBn=true with an init, or a larger batch`,
  );
}

async function trainEpochs(job: Job): Promise<Ending> {
  const { config, signal, state } = job;
  while (state.epoch < config.epochs && !budgetUsed(job)) {
    const stopped = await trainEpoch(job);
    if (stopped === "interrupted") {
      await save(job);
      return stopped;
    }
    if (stopped === null) Object.assign(state, { epoch: state.epoch + 1, batch: 0 });
    if (stopped || state.epoch === config.epochs || validationDue(job)) await validate(job);
    await save(job);
    if (stopped) return stopped;
    if (signal?.aborted && state.epoch < config.epochs) return "interrupted";
    if (config.patience > 0 && state.epoch - (state.best?.epoch ?? 0) >= config.patience) return "early stop";
  }
  return "complete";
}

/** The rest of the epoch that `state` stands in. Null when it was run to its end. */
async function trainEpoch(job: Job): Promise<"complete" | "interrupted" | "time" | null> {
  const { config, loader, run, state, signal } = job;
  const total = config.epochs * loader.batches;
  let saved = performance.now();
  for await (const batch of loader.epoch(state.epoch, { startBatch: state.batch })) {
    const start = performance.now();
    await run.logBatch(batch, state.step);
    count(job);
    const lr = poly(config.lr, {
      progress: progress({ ...state, total, budget: budgetOf(config) }),
      power: config.power,
    });
    const loss = step(job, batch, lr);
    batch.release();
    state.batch++;
    state.step++;
    state.seconds += (performance.now() - start) / 1000;
    await run.logStep(state, { loss, lr });
    count(job);
    if (budgetUsed(job)) return "complete";
    if (signal?.aborted) return "interrupted";
    if (config.time !== null && state.seconds >= seconds(config.time)) return "time";
    if (performance.now() - saved > 1000 * seconds(config.saveEvery)) {
      await save(job);
      saved = performance.now();
    }
  }
  return null;
}

const budgetOf = ({ budget }: TrainConfig): number | null => (budget === null ? null : seconds(budget));

/** Counts the time up to now. */
function count({ state, began }: Job): void {
  state.elapsed = (performance.now() - began) / 1000;
}

/** A run does one step at least, however small its budget. */
function budgetUsed({ config, state }: Job): boolean {
  const budget = budgetOf(config);
  return budget !== null && state.step > 0 && state.elapsed >= budget;
}

/** No validation comes between the steps of the last tenth of a budget: the learning rate goes down to nothing in steps. */
const ANNEALED = 0.9;

function validationDue({ config, state }: Job): boolean {
  const budget = budgetOf(config) ?? Number.POSITIVE_INFINITY;
  return state.epoch % config.validation.every === 0 && state.elapsed + state.validating <= ANNEALED * budget;
}

function step(job: Job, batch: Batch, lr: number): number {
  const { config, engine, model, optimiser, state } = job;
  setLearningRate(optimiser, lr, config);
  model.train();
  const { accumulate, auxWeight, classWeights } = config;
  const seed = mixSeed(config.seed, state.step);
  const loss = trainStep(model, optimiser, batch, { ...engine, accumulate, auxWeight, classWeights, seed });
  if (Number.isFinite(loss)) return loss;
  throw new PspnetError(
    "training",
    `train: the loss of step ${state.step + 1} is ${loss} (learning rate ${lr.toPrecision(3)}), the last checkpoint is kept; ` +
      `lower lr, or look at the batch's files:\n${batch.ids.join("\n")}`,
  );
}

async function validate(job: Job): Promise<void> {
  const { config, engine, model, run, state, validation } = job;
  const start = performance.now();
  using segmenter = new TorchSegmenter({ config: model.config, crop: config.crop }, stateOf(model), engine);
  const view = run.validation(validation.length);
  const protocol = { ...WHOLE_IMAGE, crop: config.validation.crop };
  const confusion = await evaluate(segmenter, validation, { protocol, onImage: view.image });
  const { meanIoU, pixelAccuracy } = confusion.scores();
  const better = state.best === null || meanIoU > state.best.meanIoU;
  if (better) state.best = { epoch: epochOf(state), meanIoU, pixelAccuracy };
  await run.logValidation(state, { confusion, better });
  if (better) await saveWeights(job, run.bestWeights);
  state.validating = (performance.now() - start) / 1000;
  count(job);
}

/** The state to go on from, and the weights as they are now. */
async function save(job: Job): Promise<void> {
  const { config, model, optimiser, run, state } = job;
  await run.flush();
  await saveCheckpoint(run.checkpointFile, { config, state, model, optimiser });
  await saveWeights(job, run.lastWeights);
}

async function saveWeights({ config, model, state, validation }: Job, file: string): Promise<void> {
  const { classes } = validation;
  const { best } = state;
  const score =
    best && best.epoch === epochOf(state)
      ? { ...best, dataset: `${config.data.root} (${config.data.val})` }
      : undefined;
  const description = describeWeights({
    config: model.config,
    classes,
    crop: config.crop,
    licence: config.licence,
    score,
  });
  await atomicWrite(file, safetensorsPieces(networkState(model), description));
}
