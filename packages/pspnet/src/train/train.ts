import { basename, join } from "node:path";
import {
  cropText,
  describeWeights,
  inputChannels,
  loadStateDict,
  mixSeed,
  type PSPNet,
  PspnetError,
  protocolText,
  type RecordedScore,
  safetensorsPieces,
  WHOLE_IMAGE,
} from "@pspnet/core";
import { backend, type SGD, type Tensor } from "@pspnet/torch";
import { seconds } from "../config/duration.js";
import type { TrainConfig, TrainConfigInput } from "../config/schema.js";
import { validateTrainConfig } from "../config/validate.js";
import { type Dataset, openDataset } from "../data/dataset.js";
import { type Batch, Loader } from "../data/loader.js";
import { shard } from "../data/shard.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { FolderLock } from "../files/folderLock.js";
import { alone, type GradientSum, sumNumbers, type World } from "../ranks/world.js";
import type { TextStream } from "../report/progress.js";
import { type Engine, openEngine } from "../segment/engine.js";
import { evaluate } from "../segment/evaluate.js";
import { TorchSegmenter } from "../segment/torchSegmenter.js";
import { agreeOnRun } from "./agreeOnRun.js";
import { epochOf, NEW_RUN, saveCheckpoint, storedTensors, type TrainState } from "./checkpoint.js";
import { classWeightsOf } from "./classWeights.js";
import { Clock } from "./clock.js";
import { goingOn } from "./goingOn.js";
import { stateOf, tensorsOf } from "./network.js";
import { placeRun, previousCheckpoint } from "./placement.js";
import { officialRecipe, type Recipe } from "./recipe.js";
import { Run } from "./run.js";
import { warningsOf } from "./warnings.js";
import { WeightAverage } from "./weightAverage.js";

export interface TrainOptions {
  /** Aborting it ends the run after the current step: saved, and ready to be resumed. */
  readonly signal?: AbortSignal;
  /** Where the live line and the messages go; nowhere when it is left out. */
  readonly stream?: TextStream;
  /** The processes that train together, each with its share of every batch. */
  readonly world?: World;
  /** Whether the folder `runs/<name>` was made for this run, and holds what its configuration names. */
  readonly placed?: boolean;
  /** What is to be done otherwise than the official release does it. */
  readonly recipe?: Partial<Recipe>;
}

/** Why a run ended: all epochs done or the budget used up, `patience` or `time` used up, or the caller's signal. */
export type Ending = "complete" | "early stop" | "time" | "interrupted";

export interface TrainResult {
  /** Nothing is there after a run that was interrupted before its first step. */
  readonly folder: string;
  readonly ending: Ending;
  readonly state: TrainState;
}

/** What a run works with. Everything that changes and must survive is in `state`, `model` and `optimiser`. */
interface Job {
  readonly config: TrainConfig;
  readonly recipe: Recipe;
  readonly world: World;
  readonly engine: Engine;
  /** Null on the ranks that neither write nor log. */
  readonly run: Run | null;
  readonly loader: Loader;
  readonly validation: Dataset;
  readonly model: PSPNet;
  readonly optimiser: SGD;
  readonly gradients: GradientSum;
  /** Null unless the configuration asks for one. What is validated and saved is the average then. */
  readonly average: WeightAverage | null;
  readonly state: TrainState;
  readonly clock: Clock;
  readonly signal: AbortSignal | undefined;
  /** Whether any rank's signal was aborted. */
  interrupted: boolean;
  /** Of the weights as they are, when they were validated. */
  score: RecordedScore | undefined;
}

/**
 * Trains PSPNet by the official recipe, or what the configuration makes of it, into `runs/<name>`.
 *
 * The same configuration gives the same weights, bit for bit, whatever the number of loader workers, and however often the
 * run is broken off and resumed. With a budget the learning rate follows the clock, so only the steps that were done are kept.
 *
 * @throws PspnetError "config", "data" or "weights" before the first step; "training" for a loss that is not finite.
 */
export async function train(given: TrainConfigInput, options: TrainOptions = {}): Promise<TrainResult> {
  const config = validateTrainConfig(given, "train");
  const { signal, stream, world = alone, placed } = options;
  const recipe = { ...officialRecipe, ...options.recipe };
  const batch = shareOf(config, world);
  const clock = new Clock();
  const engine = openEngine({ ...config, device: world.device ?? config.device });
  const channels = inputChannels(config.model.input);
  const training = await openDataset(config.data, "train", { channels });
  const validation = await openDataset(config.data, "val", { channels });
  const { classes } = training;
  await agreeOnRun(world, { config, training, validation });
  const memory = backend({ device: engine.device });
  await using lock = new FolderLock({ what: "a run", doing: "trains into it" });
  const checkpoint = await previousCheckpoint(config, { world, lock });
  const notes: string[] = [];
  const say = (line: string) => notes.push(line);
  const measured = checkpoint?.state.classWeights;
  const classWeights = await classWeightsOf(config, { training, world, measured, say, signal });
  // A checkpoint has all weights; the file of `init` may have changed since, or be gone.
  const begun = checkpoint ? { ...config, init: null } : config;
  const model = await recipe.network(begun, { classes: classes.names.length, backend: memory, say, signal, stream });
  if (checkpoint) loadStateDict(model, checkpoint.weights, { backend: memory });
  const optimiser = recipe.optimiser(model, config, { momentum: checkpoint?.momentum });
  const trained = optimiser.groups.flatMap(({ parameters }) => parameters);
  const gradients = world.gradients(trained, config);
  const average =
    config.ema === null ? null : new WeightAverage(model, { decay: config.ema, from: checkpoint?.average });
  const state = { ...(checkpoint?.state ?? NEW_RUN), classWeights };
  const loader = new Loader(training, {
    ...config,
    input: config.model.input,
    batch,
    rank: world.rank,
    worldSize: world.size,
  });
  let run: Run | null = null;
  try {
    const folder = await placeRun(config, { world, lock, placed });
    const named = { ...config, name: basename(folder) };
    const steps = config.epochs * loader.batches;
    clock.count(state, "other");
    const { precision } = engine;
    if (world.rank === 0) run = await Run.open(folder, { config: named, classes, stream, state, steps, precision });
    if (lock.leftBehind) run?.say(lock.leftBehind);
    if (named.name !== config.name) run?.say(`${join(config.runs, config.name)} exists: this run is ${folder}`);
    if (checkpoint)
      notes.push(...goingOn(checkpoint, { config: named, folder, recipe, optimiser, batches: loader.batches }));
    for (const line of notes) run?.say(line);
    if (run) {
      const given = { config, images: config.syncBn ? config.batch : batch, training, validation, signal };
      for (const line of await warningsOf(given)) run.say(line);
    }
    clock.count(state, "other");
    const share = shard(validation, world);
    const parts = {
      config: named,
      recipe,
      world,
      engine,
      run,
      loader,
      validation: share,
      model,
      optimiser,
      gradients,
      average,
    };
    const ending = await trainEpochs({ ...parts, state, clock, signal, interrupted: false, score: undefined });
    await world.barrier();
    if (world.spent) run?.say(world.spent);
    return { folder, ending, state };
  } finally {
    await loader.close();
    await run?.close();
    gradients.dispose();
    optimiser.dispose();
    average?.dispose();
    for (const parameter of model.stateDict().values()) parameter.as<Tensor>().dispose();
  }
}

/** Images that each rank has of a batch. */
function shareOf({ batch, accumulate }: TrainConfig, { size }: World): number {
  if (batch % (accumulate * size) === 0) return batch / size;
  throw new PspnetError(
    "config",
    `train: expected a batch that ${size} ranks share, in ${accumulate} parts each, found ${batch}; ` +
      `set batch to a multiple of ${accumulate * size}`,
  );
}

async function trainEpochs(job: Job): Promise<Ending> {
  const { config, state } = job;
  await agree(job);
  while (state.epoch < config.epochs && !budgetUsed(job)) {
    const done = state.step;
    const stopped = await trainEpoch(job);
    if (stopped === "interrupted") {
      if (state.step > done) await save(job);
      return stopped;
    }
    if (stopped === null) Object.assign(state, { epoch: state.epoch + 1, batch: 0 });
    const validated = stopped !== null || state.epoch === config.epochs || validationDue(job);
    if (validated) await validate(job);
    await save(job);
    await agree(job);
    if (stopped) return stopped;
    if (job.interrupted && state.epoch < config.epochs) return "interrupted";
    if (validated && outOfPatience(job)) return "early stop";
  }
  return "complete";
}

/** The rest of the epoch that `state` stands in. Null when it was run to its end. */
async function trainEpoch(job: Job): Promise<"complete" | "interrupted" | "time" | null> {
  const { config, loader, run, state, clock } = job;
  const total = config.epochs * loader.batches;
  let saved = performance.now();
  for await (const batch of loader.epoch(state.epoch, { startBatch: state.batch })) {
    await run?.logBatch(batch, state.step);
    clock.count(state, "training");
    await agree(job);
    if (job.interrupted) return "interrupted";
    const lr = job.recipe.schedule(job.optimiser, { ...state, total, budget: budgetOf(config) }, config);
    const loss = await step(job, batch, lr);
    batch.release();
    state.batch++;
    state.step++;
    clock.count(state, "training");
    await run?.logStep(state, { loss, lr });
    clock.count(state, "training");
    await agree(job);
    if (budgetUsed(job)) return "complete";
    if (job.interrupted) return "interrupted";
    if (config.time !== null && state.seconds >= seconds(config.time)) return "time";
    if (performance.now() - saved > 1000 * seconds(config.saveEvery)) {
      await save(job);
      saved = performance.now();
    }
  }
  // The first rank alone may have been saving.
  await agree(job);
  return null;
}

const budgetOf = ({ budget }: TrainConfig): number | null => (budget === null ? null : seconds(budget));

/** Takes over the first rank's clock, and any rank's signal, so that all go on and end alike. */
async function agree(job: Job): Promise<void> {
  const { state, world, signal } = job;
  const times = world.rank === 0 ? [state.elapsed, state.seconds, state.validating] : [0, 0, 0];
  const sums = await sumNumbers(world, Float64Array.of(...times, signal?.aborted ? 1 : 0));
  [state.elapsed, state.seconds, state.validating] = sums;
  job.interrupted = sums[3] > 0;
}

function outOfPatience({ config: { patience }, state }: Job): boolean {
  return patience > 0 && state.epoch - (state.best?.epoch ?? 0) >= patience;
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

async function step(job: Job, batch: Batch, lr: number): Promise<number> {
  const { config, engine, model, optimiser, gradients, average, recipe, state, world } = job;
  model.train();
  job.score = undefined;
  const { accumulate, auxWeight, checkpoint, clipGradients, loss: pixelLoss } = config;
  const seed = mixSeed(config.seed, state.step);
  const parts = {
    syncBn: config.syncBn,
    gradients,
    accumulate,
    auxWeight,
    checkpoint,
    classWeights: state.classWeights,
    clipGradients,
    pixelLoss,
    seed,
  };
  const loss = await recipe.step(model, optimiser, batch, { ...engine, ...parts, loss: recipe.loss, world });
  if (Number.isFinite(loss)) {
    average?.update(state.step + 1);
    return loss;
  }
  throw new PspnetError(
    "training",
    `train: the loss of step ${state.step + 1} is ${loss} (learning rate ${lr.toPrecision(3)}), what was saved before is kept; ` +
      `lower lr, or look at the batch's files:\n${batch.ids.join("\n")}`,
  );
}

/** What is validated and saved. */
function weightsOf({ model, average }: Job): ReadonlyMap<string, Tensor> {
  return average?.tensors ?? tensorsOf(model);
}

async function validate(job: Job): Promise<void> {
  const { config, engine, model, run, state, validation, world, clock } = job;
  const start = performance.now();
  const description = { config: model.config, crop: config.crop };
  using segmenter = new TorchSegmenter(description, stateOf(weightsOf(job)), engine, { reproducible: true });
  const onImage = run?.validation(validation.length);
  const protocol = { ...WHOLE_IMAGE, crop: config.validation.crop };
  const confusion = await evaluate(segmenter, validation, { protocol, onImage });
  await sumNumbers(world, confusion.counts);
  const { meanIoU, pixelAccuracy } = confusion.scores();
  const dataset = `${config.data.root} (${config.data.val})`;
  job.score = { meanIoU, pixelAccuracy, dataset, protocol: protocolText(protocol) };
  const better = state.best === null || meanIoU > state.best.meanIoU;
  if (better) state.best = { epoch: epochOf(state), meanIoU, pixelAccuracy };
  await run?.logValidation(state, { confusion, better });
  if (better && run) await saveWeights(job, run.bestWeights);
  state.validating = (performance.now() - start) / 1000;
  clock.count(state, "other");
}

/** The state to go on from, and the weights as they are now. */
async function save(job: Job): Promise<void> {
  const { config, model, optimiser, average, run, state, clock } = job;
  if (run === null) return;
  await run.flush();
  await saveCheckpoint(run.checkpoint, { config, state, model, optimiser, average });
  await saveWeights(job, run.lastWeights);
  clock.count(state, "other");
}

async function saveWeights(job: Job, file: string): Promise<void> {
  const { config, model, score, validation } = job;
  const description = describeWeights({
    config: model.config,
    classes: validation.classes,
    crop: config.crop,
    licence: config.licence,
    ...(score && { score, command: measuringCommand(job, file) }),
  });
  await atomicWrite(file, safetensorsPieces(storedTensors(weightsOf(job)), description));
}

/** What gives a file's score again. */
function measuringCommand({ config, run }: Job, file: string): string {
  const { precision, validation } = config;
  const crop = validation.crop === null ? "" : ` --crop ${cropText(validation.crop)}`;
  const arithmetic = precision === "auto" ? "" : ` --precision ${precision}`;
  return `pspnet val ${file} --data ${run?.folder}/config.yaml${crop}${arithmetic}`;
}
