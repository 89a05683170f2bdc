import { cropSize, modelCost, pspnetConfig } from "@pspnet/core";
import { sceneClasses } from "@pspnet/scenes";
import type { TrainConfig } from "../config/schema.js";
import { openDataset } from "../data/dataset.js";
import type { RunScores } from "./scores.js";
import type { Settings } from "./settings.js";
import type { StudyRun } from "./study.js";

/** Seconds that each training is expected to take. */
export type ExpectedTime = (run: StudyRun) => number;

/** Backward costs twice as much as forward. */
const PASSES = 3;

/**
 * By the multiply-adds of a training and what those that are done took for theirs, whose `scores` these are; before, by what the scale says.
 *
 * @throws PspnetError as {@link openDataset}.
 */
export async function expectedTime(
  { base, made, scale }: Settings,
  { runs, scores }: { readonly runs: readonly StudyRun[]; readonly scores: readonly RunScores[] },
): Promise<ExpectedTime> {
  const { length, classes } = made
    ? { length: scale.scenes!.train, classes: sceneClasses }
    : await openDataset(base.data, "train");
  const teraOfVariant = new Map<string, number>();
  for (const { variant, config } of runs) {
    if (teraOfVariant.has(variant)) continue;
    const { factorised } = modelCost(
      pspnetConfig({ ...config.model, classes: classes.names.length }),
      cropSize(config.crop),
    );
    teraOfVariant.set(variant, (PASSES * imagesOf(config, length) * factorised) / 1000);
  }
  const done = scores.filter(({ variant }) => teraOfVariant.has(variant));
  const tera = sum(done.map(({ variant }) => teraOfVariant.get(variant)!));
  const rate = done.length === 0 ? scale.secondsPerTera : sum(done.map(({ seconds }) => seconds)) / tera;
  return ({ variant }) => rate * teraOfVariant.get(variant)!;
}

/** That a training looks at. */
function imagesOf({ batch, epochs, fraction }: TrainConfig, length: number): number {
  return epochs * batch * Math.floor((length * fraction) / batch);
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
