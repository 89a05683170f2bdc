import { type PSPNet, partOf, type State } from "@pspnet/core";
import { SGD, type Tensor, tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";

/** Names of the trained parameters in the order of the optimiser's groups: backbone, then head. */
function trainedNames(model: PSPNet): {
  readonly backbone: readonly string[];
  readonly head: readonly string[];
} {
  const names = [...model.namedParameters()].map(([name]) => name);
  const [backbone, head] = [true, false].map((is) => names.filter((name) => (partOf(name) === "backbone") === is));
  return { backbone, head };
}

/**
 * SGD of the official release: one group for the backbone, one with `headLrFactor` times its rate for ppm, cls and aux.
 * The network's parameters require gradients from here on. `momentum` is what a checkpoint kept, by parameter.
 */
export function createOptimiser(
  model: PSPNet,
  config: Pick<TrainConfig, "lr" | "momentum" | "weightDecay">,
  { momentum }: { readonly momentum?: State } = {},
): SGD {
  const parameters = new Map([...model.namedParameters()].map(([name, parameter]) => [name, parameter.as<Tensor>()]));
  for (const parameter of parameters.values()) parameter.requiresGrad = true;
  const { backbone, head } = trainedNames(model);
  const groups = [backbone, head].map((names) => ({
    parameters: names.map((name) => parameters.get(name)!),
    lr: config.lr,
  }));
  const optimiser = new SGD({ groups, momentum: config.momentum, weightDecay: config.weightDecay });
  if (momentum) optimiser.loadState([...backbone, ...head].map((name) => toTensor(momentum, name)));
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
