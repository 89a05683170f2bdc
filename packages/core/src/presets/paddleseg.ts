import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

/** What shapes do not tell, on version d of ResNet (an average pool in the shortcuts): a bias in every convolution of the heads. */
export const PADDLESEG = {
  backbone: { shortcut: "average" },
  pyramid: { bias: "all", concatOrder: "descending", alignCorners: false },
  head: { bias: true, dropoutOf: "elements" },
  auxiliary: { bias: true, dropoutOf: "elements" },
  upsampling: { alignCorners: false },
  input: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
} as const satisfies GivenParts;

export const paddleseg: readonly Preset[] = ([50, 101] as const).map((layers) => ({
  name: `paddleseg-resnet${layers}-vd`,
  follows: "PaddlePaddle/PaddleSeg",
  classes: 19,
  crop: 512,
  parts: {
    ...PADDLESEG,
    backbone: { ...PADDLESEG.backbone, layers, stemChannels: [32, 32, 64] },
    head: { ...PADDLESEG.head, channels: 1024 },
  },
}));
