import type { CaffeTensor } from "./caffeNames.js";
import { type PortParameters, readPort } from "./caffePort.js";

/** What the variables of a layer stand for. */
export const VARIABLES: PortParameters = {
  weights: "weight",
  biases: "bias",
  gamma: "weight",
  beta: "bias",
  moving_mean: "running_mean",
  moving_variance: "running_var",
};

/** What a variable of a TensorFlow checkpoint stands for. */
export function readVariable(name: string): CaffeTensor | null {
  return readPort(name, VARIABLES);
}
