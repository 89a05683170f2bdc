import { caffeFamily } from "./caffeFamily.js";
import type { CaffeParameter, CaffeTensor } from "./caffeNames.js";
import { type PortParameters, port, readPort } from "./caffePort.js";

/** Weights of Keras 2, a group a layer and the layer's name again: `conv6/conv6/kernel:0`. */
const HDF5: PortParameters = {
  kernel: "weight",
  bias: "bias",
  gamma: "weight",
  beta: "bias",
  moving_mean: "running_mean",
  moving_variance: "running_var",
};

/** The dictionary of dictionaries that Caffe's weights become on the way, TensorFlow's port too: `conv6.weights`. */
const NUMPY: PortParameters = {
  weights: "weight",
  biases: "bias",
  scale: "weight",
  offset: "bias",
  mean: "running_mean",
  variance: "running_var",
};

/** Weights of Keras 3 have numbers, `layers/conv6/vars/0`: a batch norm's four, a convolution's one or two. */
const NUMBERED: readonly CaffeParameter[] = ["weight", "bias", "running_mean", "running_var"];

/** What Keras 3 keeps of a dropout layer's random numbers. */
const SEED = /\/seed_generator(\/vars\/0|_state)$/;

function read(name: string): CaffeTensor | { readonly drop: string } | null {
  if (SEED.test(name)) return { drop: "is a dropout's state of random numbers" };
  const numbered = /^(?:.*\/)?([^/]+)\/vars\/([0-3])$/.exec(name);
  if (numbered) {
    const parameter = NUMBERED[Number(numbered[2])];
    return readPort(`${numbered[1]}/${parameter}`, { [parameter]: parameter });
  }
  return readPort(name.replace(/:0$/, ""), name.split(/[/.]/).length > 2 ? HDF5 : NUMPY);
}

export const keras = caffeFamily({
  ...port,
  name: "keras",
  title: "the port of Caffe's weights to Keras (Vladkryvoruchko/PSPNet-Keras-tensorflow)",
  read,
});
