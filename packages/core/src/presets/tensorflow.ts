import type { GivenParts } from "../model/parts.js";
import { caffeParts } from "./caffe.js";
import { CAFFE_INPUT, DATASETS, type Preset } from "./preset.js";

/** Sides of 8n, at which SAME pads the right and bottom alone. */
const EVEN = { upsampling: { sizes: "8n" } } as const;

/** Caffe's network with the stride in the 1x1 convolutions whatever the depth, without dropout and auxiliary head. */
function hellochickParts(layers: 50 | 101, stemPadding: "both" | "end"): GivenParts {
  return {
    ...caffeParts({ layers, strideIn: "1x1", stemPadding }),
    head: { dropout: 0 },
    auxiliary: { kind: "none" },
    ...(stemPadding === "end" && { upsampling: EVEN.upsampling }),
  };
}

/** It predicts Cityscapes in windows of 720. */
const hellochick: readonly Preset[] = [
  { ...DATASETS.ade20k, name: "hellochick-pspnet50-ade20k", parts: hellochickParts(50, "both") },
  { ...DATASETS.cityscapes, crop: 720, name: "hellochick-pspnet101-cityscapes", parts: hellochickParts(101, "end") },
].map((preset) => ({ ...preset, follows: "hellochick/PSPNet-tensorflow" }));

/** hellochick's networks with TensorFlow's own constants of batch norm. */
const jiye: readonly Preset[] = ([50, 101] as const).map((layers) => ({
  name: `jiye-pspnet${layers}-voc2012`,
  follows: "jiye-ML/Semantic_Segmentation_PspNet",
  classes: 21,
  crop: 480,
  parts: { ...hellochickParts(layers, "end"), norm: { eps: 1e-3, momentum: 0.01 } },
}));

/**
 * A stem of one convolution, RGB minus the mean of the data set. TensorFlow 1 enlarged its levels and logits from the upper left corners
 * of pixels, which nothing here does: corners are aligned instead.
 */
const holyseven: readonly Preset[] = (
  [
    ["ade20k", 480],
    ["voc2012", 480],
    ["cityscapes", 864],
  ] as const
).flatMap(([dataset, crop]) =>
  ([50, 101] as const).map((layers) => ({
    name: `holyseven-resnet${layers}-${dataset}`,
    follows: "holyseven/PSPNet-TF-Reproduce, but for its interpolation",
    classes: DATASETS[dataset].classes,
    crop,
    parts: {
      backbone: { layers, stem: "plain", stemPadding: "poolEnd" },
      pyramid: { concatOrder: "descending" },
      head: { dropoutOf: "elements" },
      auxiliary: { dropoutOf: "elements" },
      upsampling: EVEN.upsampling,
      input: { ...CAFFE_INPUT, channelOrder: "rgb" },
    } satisfies GivenParts,
  })),
);

export const tensorflow: readonly Preset[] = [...hellochick, ...jiye, ...holyseven];
