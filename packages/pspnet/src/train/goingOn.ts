import { join } from "node:path";
import type { SGD } from "@pspnet/torch";
import { seconds } from "../config/duration.js";
import type { TrainConfig } from "../config/schema.js";
import type { Checkpoint } from "./checkpoint.js";
import type { Recipe } from "./recipe.js";

export interface GoingOnOptions {
  readonly config: TrainConfig;
  readonly folder: string;
  readonly recipe: Pick<Recipe, "schedule">;
  readonly optimiser: SGD;
  /** Batches of an epoch. */
  readonly batches: number;
}

/** Whether a run is resumed for more epochs than it had. With a budget the clock has the last word, and more of them mean nothing. */
export function isLonger(before: TrainConfig, now: TrainConfig): boolean {
  return now.budget === null && before.budget === null && now.epochs > before.epochs;
}

/** What is worth knowing of a run that is resumed: what more epochs make of its learning rate, or that nothing is left to do. */
export function goingOn({ config: before, state }: Checkpoint, options: GoingOnOptions): string[] {
  const { config, folder, recipe, optimiser, batches } = options;
  const budget = config.budget === null ? null : seconds(config.budget);
  if (state.epoch >= config.epochs || (budget !== null && state.elapsed >= budget)) {
    const longer = budget === null ? `more epochs= to go on (now ${config.epochs}), or ` : "";
    const weights = join(folder, "weights", "best.safetensors");
    return [
      `${folder} is trained to its end; give ${longer}init=${weights} without resume for a new run from its weights`,
    ];
  }
  if (!isLonger(before, config)) return [];
  const rate = (epochs: number) =>
    recipe.schedule(optimiser, { ...state, total: epochs * batches, budget }, config).toPrecision(3);
  const change = `from ${rate(before.epochs)} to ${rate(config.epochs)}`;
  return [
    `${before.epochs} epochs before, ${config.epochs} now: after step ${state.step} the learning rate goes ${change}, ` +
      `where a run of ${config.epochs} has it; the steps before were taken at lower ones`,
  ];
}
