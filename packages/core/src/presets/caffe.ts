import type { GivenParts } from "../model/parts.js";
import { CAFFE_INPUT, DATASETS, type Preset } from "./preset.js";

type Backbone = NonNullable<GivenParts["backbone"]>;

/** What Caffe's network and its ports share: levels from fine to coarse, single numbers dropped, BGR minus mean. */
export function caffeParts(backbone: Backbone): GivenParts {
  return {
    backbone,
    pyramid: { concatOrder: "descending" },
    head: { dropoutOf: "elements" },
    auxiliary: { dropoutOf: "elements" },
    input: CAFFE_INPUT,
    norm: { momentum: 0.05 },
  };
}

/** The official Caffe release: ResNet-50 strides in its 1x1 convolutions, ResNet-101 in its 3x3. */
export const caffe: readonly Preset[] = (
  [
    ["ade20k", { layers: 50, strideIn: "1x1" }],
    ["voc2012", { layers: 101 }],
    ["cityscapes", { layers: 101 }],
  ] as const
).map(([dataset, backbone]) => ({
  ...DATASETS[dataset],
  name: `caffe-pspnet${backbone.layers}-${dataset}`,
  follows: "hszhao/PSPNet, the authors' Caffe release",
  parts: caffeParts(backbone),
}));
