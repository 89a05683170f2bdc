import type { Preset } from "./preset.js";

/** torchvision's dilated ResNet under a pyramid of maxima, a 3x3 classifier, and an auxiliary head of three 3x3 convolutions. */
export const torchvision: readonly Preset[] = ([50, 101] as const).map((layers) => ({
  name: `torchvision-resnet${layers}`,
  follows: "torchvision's ResNet with replace_stride_with_dilation",
  classes: 21,
  crop: 473,
  parts: {
    backbone: { layers, stem: "plain", firstDilation: "halved" },
    pyramid: { pool: "max" },
    head: { classifierKernel: 3 },
    auxiliary: { convolutions: 3 },
  },
}));
