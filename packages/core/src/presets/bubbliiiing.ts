import type { Preset } from "./preset.js";

const NAMES = { follows: "bubbliiiing/pspnet-pytorch", classes: 21, crop: 473 } as const;

/** Images are divided by 255 and no more; logits are enlarged corner to corner at every size. */
const SHARED = {
  upsampling: { sizes: "any" },
  input: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;

export const bubbliiiing: readonly Preset[] = [
  {
    ...NAMES,
    name: "bubbliiiing-resnet50",
    parts: { ...SHARED, backbone: { firstDilation: "halved" } },
  },
  {
    ...NAMES,
    name: "bubbliiiing-mobilenetv2",
    parts: {
      ...SHARED,
      backbone: { kind: "mobilenetv2", firstDilation: "halved" },
      head: { channels: 80 },
      auxiliary: { channels: 40 },
    },
  },
];
