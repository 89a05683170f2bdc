import type { Preset } from "./preset.js";

const NAMES = { follows: "bubbliiiing/pspnet-pytorch", classes: 21, crop: 473 } as const;

/** What shapes do not tell: images are divided by 255 and no more, logits enlarged corner to corner at every size. */
export const BUBBLIIIING = {
  upsampling: { sizes: "any" },
  input: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;

export const bubbliiiing: readonly Preset[] = [
  {
    ...NAMES,
    name: "bubbliiiing-resnet50",
    parts: { ...BUBBLIIIING, backbone: { firstDilation: "halved" } },
  },
  {
    ...NAMES,
    name: "bubbliiiing-mobilenetv2",
    parts: {
      ...BUBBLIIIING,
      backbone: { kind: "mobilenetv2", firstDilation: "halved" },
      head: { channels: 80 },
      auxiliary: { channels: 40 },
    },
  },
];
