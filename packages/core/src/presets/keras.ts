import { caffeParts } from "./caffe.js";
import { DATASETS, type Preset } from "./preset.js";

/** The Keras release: Caffe's networks with the stride in the 1x1 convolutions of all three, and no auxiliary head. */
export const keras: readonly Preset[] = (
  [
    ["ade20k", 50],
    ["voc2012", 101],
    ["cityscapes", 101],
  ] as const
).map(([dataset, layers]) => ({
  ...DATASETS[dataset],
  name: `keras-pspnet${layers}-${dataset}`,
  follows: "Vladkryvoruchko/PSPNet-Keras-tensorflow",
  parts: { ...caffeParts({ layers, strideIn: "1x1" }), auxiliary: { kind: "none" } },
}));
