import type { ProtocolPreset } from "./protocol.js";

/**
 * CSAILVision/semantic-segmentation-pytorch, `eval.py`: whole images whose short sides are 300, 375, 450, 525 and 600, and the long ones at
 * most 1000.
 */
export const CSAIL: ProtocolPreset = {
  scales: [1, 1.25, 1.5, 1.75, 2],
  flip: false,
  windows: false,
  baseSizes: { other: [1000, 300] },
  rules: {
    sizes: "short",
    photograph: "pillow",
    padding: "none",
    stride: "up",
    softmax: "image",
    image: "one",
    mean: "all",
  },
};
