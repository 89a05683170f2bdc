import type { ProtocolPreset } from "./protocol.js";

/** The official Caffe release: hszhao/PSPNet, `evaluation/*.m`. Its multi-scale figures take scales 0.5, 0.75, 1, 1.25, 1.5 and 1.75. */
export const CAFFE: ProtocolPreset = {
  scales: [1],
  flip: true,
  windows: true,
  baseSizes: { ade20k: 512, voc2012: 512, cityscapes: 2048 },
  rules: {
    sizes: "long+1",
    photograph: "matlab",
    padding: "after",
    stride: "up",
    softmax: "window",
    image: "matlab",
    mean: "all",
  },
};
