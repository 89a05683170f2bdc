import { number } from "../config/field.js";
import { kind } from "../config/kind.js";
import { BatchNorm2d } from "./layers.js";

/** Makes the layer that stands after a convolution of so many channels. */
export type Norm = (channels: number) => BatchNorm2d;

export const batchNorm = kind({
  name: "batch",
  fields: {
    eps: number("a number above 0", (value) => value > 0, { default: 1e-5, meaning: "added to the variance" }),
    momentum: number("a number from 0 to 1", (value) => value >= 0 && value <= 1, {
      default: 0.1,
      meaning: "share of the batch in the running statistics, PyTorch's convention: Caffe's 0.95 is 0.05",
      trainingOnly: true,
    }),
  },
  create:
    (options): Norm =>
    (channels) =>
      new BatchNorm2d(channels, options),
});
