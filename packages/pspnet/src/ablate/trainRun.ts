import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { headline, inputChannels, type ProtocolChoice, PspnetError, protocolOf, protocolText } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import { openDataset } from "../data/dataset.js";
import { FolderLock } from "../files/folderLock.js";
import { makeFolder } from "../files/makeFolder.js";
import { evaluate } from "../segment/evaluate.js";
import { load } from "../segment/load.js";
import { checkpointFile } from "../train/checkpoint.js";
import { officialRecipe, type Recipe } from "../train/recipe.js";
import { train } from "../train/train.js";
import { type RunScores, readScores, scoresFolder, type TestScore, writeScores } from "./scores.js";
import type { StudyRun } from "./study.js";
import type { TestName } from "./tables.js";

/** A run to train, unless it was, and to score. */
export interface RunTask extends StudyRun {
  /** Folder of the study. */
  readonly study: string;
  readonly protocols: Readonly<Record<TestName, ProtocolChoice>>;
}

export interface TrainRunOptions {
  readonly signal?: AbortSignal;
  /** Called at each step with the share of the training that is done. */
  readonly onStep?: (share: number) => void;
}

/**
 * Trains a run to its end, going on where it was broken off, and scores the weights that it ends with as its rows need it.
 *
 * @returns null when another process has the run.
 * @throws PspnetError "interrupted" after the signal, with all saved; else as {@link train} and {@link evaluate}.
 */
export async function trainRun(task: RunTask, { signal, onStep }: TrainRunOptions = {}): Promise<RunScores | null> {
  const { study, id, variant, seed, config, tests, protocols } = task;
  const claim = scoresFolder(study, id);
  await makeFolder(claim);
  await using lock = new FolderLock({ what: "a run of a study", doing: "trains it" });
  if (!(await lock.takeIfFree(claim))) return null;
  let scores = await readScores(study, id);
  if (scores === null) {
    const { seconds } = await trained(config, { signal, onStep });
    scores = { variant, seed, seconds, tests: {} };
  }
  for (const test of tests) {
    if (scores.tests[test]) continue;
    scores = { ...scores, tests: { ...scores.tests, [test]: await scored(config, protocols[test], signal) } };
    await writeScores(study, id, scores);
  }
  return scores;
}

async function trained(
  config: TrainConfig,
  { signal, onStep }: TrainRunOptions,
): Promise<{ readonly seconds: number }> {
  const folder = join(config.runs, config.name);
  const resume = existsSync(checkpointFile(folder));
  // What was killed before it saved anything begins again, under its own name.
  if (!resume) await rm(folder, { recursive: true, force: true });
  const schedule: Recipe["schedule"] = (optimiser, extent, given) => {
    onStep?.(extent.step / extent.total);
    return officialRecipe.schedule(optimiser, extent, given);
  };
  const { ending, state } = await train({ ...config, resume }, { signal, recipe: { schedule } });
  if (ending === "interrupted")
    throw new PspnetError("interrupted", `${config.name}: stopped after step ${state.step}`);
  return { seconds: state.elapsed };
}

async function scored(config: TrainConfig, choice: ProtocolChoice, signal?: AbortSignal): Promise<TestScore> {
  const { device, precision, threads } = config;
  const weights = join(config.runs, config.name, "weights", "last.safetensors");
  await using net = await load(weights, { device, precision, threads, runtime: "torch", signal });
  const protocol = protocolOf(choice, net.description);
  const dataset = await openDataset(config.data, "val", { channels: inputChannels(config.model.input) });
  const confusion = await evaluate(net, dataset, { protocol, signal });
  const { meanIoU, meanAccuracy, pixelAccuracy } = headline(confusion.scores(), protocol.rules.mean);
  return { meanIoU, meanAccuracy, pixelAccuracy, protocol: protocolText(protocol) };
}
