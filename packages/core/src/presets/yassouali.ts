import type { Preset } from "./preset.js";

/** Half the dilation in a stage's first convolution; levels are enlarged corner to corner and logits are not. */
export const yassouali: readonly Preset[] = ([50, 101, 152] as const).map((layers) => ({
  name: `yassouali-resnet${layers}`,
  follows: "yassouali/pytorch-segmentation",
  classes: 19,
  crop: 380,
  parts: {
    backbone: { layers, firstDilation: "halved" },
    auxiliary: { channels: 512 },
    upsampling: { alignCorners: false },
  },
}));
