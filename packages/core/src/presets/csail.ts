import type { Preset } from "./preset.js";

/** Half the dilation in a stage's first convolution; 512 channels a level whatever the depth, and an auxiliary head of features / 4. */
export const csail: readonly Preset[] = ([18, 50, 101] as const).map((layers) => ({
  name: `csail-resnet${layers}-ppm`,
  follows: "CSAILVision/semantic-segmentation-pytorch",
  classes: 150,
  crop: 480,
  parts: {
    backbone: { layers, firstDilation: "halved", basicDilation: "stage" },
    pyramid: { channels: 512, alignCorners: false },
    auxiliary: { channels: layers === 18 ? 128 : 512 },
    upsampling: { alignCorners: false },
    norm: { momentum: 0.001 },
  },
}));
