import type { GivenParts } from "../model/parts.js";
import { CAFFE_INPUT, DATASETS, type Preset } from "./preset.js";

/**
 * What shapes do not tell of kazuto1011's conversion of the Caffe release: stride in the 3x3 convolutions whatever the depth, whole
 * channels dropped. Enlarged as PyTorch does since 0.4; when it was written corners were aligned, as Caffe has them.
 */
export const KAZUTO = {
  pyramid: { concatOrder: "descending", alignCorners: false },
  upsampling: { alignCorners: false },
  input: CAFFE_INPUT,
  norm: { momentum: 0.95 },
} as const satisfies GivenParts;

export const kazuto: readonly Preset[] = (
  [
    ["ade20k", 50],
    ["voc2012", 101],
    ["cityscapes", 101],
  ] as const
).map(([dataset, layers]) => ({
  ...DATASETS[dataset],
  name: `kazuto-pspnet${layers}-${dataset}`,
  follows: "kazuto1011/pspnet-pytorch",
  parts: { ...KAZUTO, backbone: { layers } },
}));
