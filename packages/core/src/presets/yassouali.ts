import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

const NAMES = { follows: "yassouali/pytorch-segmentation", classes: 19, crop: 380 } as const;

/** Half the dilation in a stage's first convolution; levels are enlarged corner to corner and logits are not. */
const residual: readonly Preset[] = ([50, 101, 152] as const).map((layers) => ({
  ...NAMES,
  name: `yassouali-resnet${layers}`,
  parts: {
    backbone: { layers, firstDilation: "halved" },
    auxiliary: { channels: 512 },
    upsampling: { alignCorners: false },
  } satisfies GivenParts,
}));

const dense: Preset = {
  ...NAMES,
  name: "yassouali-densenet201",
  parts: {
    backbone: { kind: "densenet", layers: 201, dilations: [1, 1, 2, 4] },
    head: { channels: 480 },
    auxiliary: { channels: 480 },
    upsampling: { alignCorners: false },
  },
};

export const yassouali: readonly Preset[] = [...residual, dense];
