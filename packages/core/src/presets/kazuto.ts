import { caffeParts } from "./caffe.js";
import { DATASETS, type Preset } from "./preset.js";

/** kazuto1011's conversion of the Caffe release: stride in the 3x3 convolutions of all three, whole channels dropped. */
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
  parts: { ...caffeParts({ layers }), head: {}, auxiliary: {}, norm: { momentum: 0.95 } },
}));
