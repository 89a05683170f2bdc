import { caffeFamily } from "./caffeFamily.js";
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

export const keras = caffeFamily({
  ...port,
  name: "keras",
  title: "the port of Caffe's weights to Keras (Vladkryvoruchko/PSPNet-Keras-tensorflow)",
  read: (name) => readPort(name.replace(/:0$/, ""), name.split(/[/.]/).length > 2 ? HDF5 : NUMPY),
});
