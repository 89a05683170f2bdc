import type { CaffeTensor } from "./caffeNames.js";
import { type PortParameters, readPort } from "./caffePort.js";

const VARIABLES: PortParameters = {
  weights: "weight",
  biases: "bias",
  gamma: "weight",
  beta: "bias",
  moving_mean: "running_mean",
  moving_variance: "running_var",
};

/** What optimisers, averages and counters of steps leave in a checkpoint beside the network's variables. */
const BESIDE = /(^|\/)(Momentum|Adam|RMSProp|ExponentialMovingAverage|global_step|beta[12]_power)(_\d+)?$/;

/** What a variable of a TensorFlow checkpoint stands for. */
export function readVariable(name: string): CaffeTensor | { readonly drop: string } | null {
  return BESIDE.test(name) ? { drop: "is the optimiser's" } : readPort(name, VARIABLES);
}
