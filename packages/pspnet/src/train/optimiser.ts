import { type PSPNet, partOf, type State } from "@pspnet/core";
import { SGD, type Tensor, tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { isFrozen } from "./frozen.js";

/**
 * SGD of the official release: one group for the backbone, one with `headLrFactor` times its rate for ppm, cls and aux.
 * The network's parameters require gradients from here on, but for those that are frozen. `momentum` is what a checkpoint kept, by parameter.
 */
export function createOptimiser(
  model: PSPNet,
  config: Pick<TrainConfig, "lr" | "momentum" | "weightDecay"> & Partial<Pick<TrainConfig, "freeze">>,
  { momentum }: { readonly momentum?: State } = {},
): SGD {
  const { freeze = "none" } = config;
  const trained = [...model.namedParameters()]
    .filter(([name]) => !isFrozen(name, { freeze }))
    .map(([name, value]) => ({ name, parameter: value.as<Tensor>() }));
  for (const { parameter } of trained) parameter.requiresGrad = true;
  const backbone = trained.filter(({ name }) => partOf(name) === "backbone");
  const head = trained.filter(({ name }) => partOf(name) !== "backbone");
  const groups = [backbone, head].map((group) => ({
    parameters: group.map(({ parameter }) => parameter),
    lr: config.lr,
  }));
  const optimiser = new SGD({ groups, momentum: config.momentum, weightDecay: config.weightDecay });
  if (momentum) optimiser.loadState([...backbone, ...head].map(({ name }) => toTensor(momentum, name)));
  return optimiser;
}

/** Sets the rate of the backbone to `lr`, that of the head to `headLrFactor` times as much. */
export function setLearningRate(optimiser: SGD, lr: number, { headLrFactor }: Pick<TrainConfig, "headLrFactor">): void {
  const [backbone, head] = optimiser.groups;
  backbone.lr = lr;
  head.lr = lr * headLrFactor;
}

function toTensor(state: State, name: string): Tensor | null {
  const stored = state.get(name);
  return stored ? tensor(stored.float32(), stored.shape) : null;
}
