import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

const NAMES = { follows: "yassouali/pytorch-segmentation", classes: 19, crop: 380 } as const;

/** What shapes do not tell: levels are enlarged corner to corner, and logits are not. */
export const YASSOUALI = { upsampling: { alignCorners: false } } as const satisfies GivenParts;

/** Half the dilation in a stage's first convolution, and the stage's in a basic block's second. */
export const YASSOUALI_RESNET = { firstDilation: "halved", basicDilation: "stage" } as const;
export const YASSOUALI_DENSENET = { dilations: [1, 1, 2, 4] } as const;

const residual: readonly Preset[] = ([50, 101, 152] as const).map((layers) => ({
  ...NAMES,
  name: `yassouali-resnet${layers}`,
  parts: {
    ...YASSOUALI,
    backbone: { layers, ...YASSOUALI_RESNET },
    auxiliary: { channels: 512 },
  } satisfies GivenParts,
}));

const dense: Preset = {
  ...NAMES,
  name: "yassouali-densenet201",
  parts: {
    ...YASSOUALI,
    backbone: { kind: "densenet", layers: 201, ...YASSOUALI_DENSENET },
    head: { channels: 480 },
    auxiliary: { channels: 480 },
  },
};

export const yassouali: readonly Preset[] = [...residual, dense];
