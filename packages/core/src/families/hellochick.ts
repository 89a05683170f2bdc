import { caffeFamily } from "./caffeFamily.js";
import { port } from "./caffePort.js";
import { readVariable } from "./tensorflowVariables.js";

/** Its SAME padding is Caffe's at sides of 8n+1, such as the 473 and 713 that it trains on. */
export const hellochick = caffeFamily({
  ...port,
  name: "hellochick",
  title: "the port to TensorFlow, hellochick/PSPNet-tensorflow",
  read: readVariable,
});
