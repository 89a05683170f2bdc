import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

/** What shapes do not tell. */
export const CSAIL = {
  pyramid: { alignCorners: false },
  upsampling: { alignCorners: false },
  norm: { momentum: 0.001 },
} as const satisfies GivenParts;

/** Half the dilation in a stage's first convolution, and the stage's in a basic block's second. */
export const CSAIL_RESNET = { firstDilation: "halved", basicDilation: "stage" } as const;
export const CSAIL_MOBILENET = { firstDilation: "halved" } as const;

const SHARED = { ...CSAIL, pyramid: { ...CSAIL.pyramid, channels: 512 } } as const;

const NAMES = { follows: "CSAILVision/semantic-segmentation-pytorch", classes: 150, crop: 480 } as const;

/** 512 channels a level whatever the depth, and an auxiliary head of features / 4. */
const residual: readonly Preset[] = ([18, 50, 101] as const).map((layers) => ({
  ...NAMES,
  name: `csail-resnet${layers}-ppm`,
  parts: {
    ...SHARED,
    backbone: { layers, ...CSAIL_RESNET },
    auxiliary: { channels: layers === 18 ? 128 : 512 },
  } satisfies GivenParts,
}));

const mobile: Preset = {
  ...NAMES,
  name: "csail-mobilenetv2-ppm",
  parts: { ...SHARED, backbone: { kind: "mobilenetv2", ...CSAIL_MOBILENET }, auxiliary: { kind: "none" } },
};

export const csail: readonly Preset[] = [...residual, mobile];
