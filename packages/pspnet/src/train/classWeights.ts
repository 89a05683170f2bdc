import { PspnetError } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import { BALANCES } from "../data/classBalance.js";
import type { Dataset } from "../data/dataset.js";
import { measureBalance } from "../data/measureBalance.js";
import { sumNumbers, type World } from "../ranks/world.js";

export interface ClassWeightsOptions {
  readonly training: Dataset;
  readonly world: World;
  /** What a checkpoint kept of those that were measured. */
  readonly measured?: readonly number[] | null;
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * The weight of each class in the loss: as the configuration gives it, or measured by the formula that it names, on all masks of the
 * training split, whatever the seed and the fraction of it that is trained on.
 *
 * @throws PspnetError "config" unless there is a weight for each class; "data" for a mask that cannot be read.
 */
export async function classWeightsOf(
  { classWeights }: Pick<TrainConfig, "classWeights">,
  { training, world, measured, say, signal }: ClassWeightsOptions,
): Promise<readonly number[] | null> {
  const { names } = training.classes;
  if (classWeights === null) return null;
  if (typeof classWeights === "string") {
    if (measured) return measured;
    const balance = await measureBalance(training, { rank: world.rank, size: world.size, signal });
    await sumNumbers(world, balance.pixels);
    await sumNumbers(world, balance.shown);
    const weights = BALANCES[classWeights](balance);
    say(
      `class weights (${classWeights}): ${weights.map((one, id) => `${names[id]} ${one.toPrecision(3)}`).join(", ")}`,
    );
    return weights;
  }
  if (classWeights.length === names.length) return classWeights;
  const expected = `${names.length} numbers, one for each class of the dataset`;
  throw new PspnetError("config", `classWeights: expected ${expected}, found ${classWeights.length}`);
}
