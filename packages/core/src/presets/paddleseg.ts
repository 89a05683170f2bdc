import type { Preset } from "./preset.js";

/** Version d of ResNet (an average pool in the shortcuts), a head of 1024, and a bias in every convolution of the heads. */
export const paddleseg: readonly Preset[] = ([50, 101] as const).map((layers) => ({
  name: `paddleseg-resnet${layers}-vd`,
  follows: "PaddlePaddle/PaddleSeg",
  classes: 19,
  crop: 512,
  parts: {
    backbone: { layers, stemChannels: [32, 32, 64], shortcut: "average" },
    pyramid: { bias: "all", concatOrder: "descending", alignCorners: false },
    head: { channels: 1024, bias: true, dropoutOf: "elements" },
    auxiliary: { bias: true, dropoutOf: "elements" },
    upsampling: { alignCorners: false },
    input: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
  },
}));
