import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

const SHARED = {
  pyramid: { channels: 512, alignCorners: false },
  upsampling: { alignCorners: false },
  norm: { momentum: 0.001 },
} satisfies GivenParts;

const NAMES = { follows: "CSAILVision/semantic-segmentation-pytorch", classes: 150, crop: 480 } as const;

/** Half the dilation in a stage's first convolution; 512 channels a level whatever the depth, and an auxiliary head of features / 4. */
const residual: readonly Preset[] = ([18, 50, 101] as const).map((layers) => ({
  ...NAMES,
  name: `csail-resnet${layers}-ppm`,
  parts: {
    ...SHARED,
    backbone: { layers, firstDilation: "halved", basicDilation: "stage" },
    auxiliary: { channels: layers === 18 ? 128 : 512 },
  } satisfies GivenParts,
}));

const mobile: Preset = {
  ...NAMES,
  name: "csail-mobilenetv2-ppm",
  parts: { ...SHARED, backbone: { kind: "mobilenetv2", firstDilation: "halved" }, auxiliary: { kind: "none" } },
};

export const csail: readonly Preset[] = [...residual, mobile];
