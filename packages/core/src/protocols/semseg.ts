import type { ProtocolPreset } from "./protocol.js";

/** The official PyTorch release: hszhao/semseg, `tool/test.py`. Its multi-scale figures take scales 0.5, 0.75, 1, 1.25, 1.5 and 1.75. */
export const SEMSEG: ProtocolPreset = {
  scales: [1],
  flip: true,
  windows: true,
  baseSizes: { ade20k: 512, voc2012: 512, cityscapes: 2048 },
  rules: {
    sizes: "long",
    photograph: "float",
    padding: "around",
    stride: "up",
    softmax: "view",
    image: "opencv",
    mean: "all",
  },
};
