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

type ResNet = Extract<NonNullable<GivenParts["backbone"]>, { readonly kind?: "resnet" | undefined }>;

/** Of Cityscapes it has the mean colour and wider crops; the others have the mean of PASCAL VOC. */
const isCityscapes = (classes: number) => classes === DATASETS.cityscapes.classes;

export function holysevenCrop(classes: number): number {
  return isCityscapes(classes) ? 864 : 480;
}

/** RGB minus the data set's mean; levels and logits are enlarged as TensorFlow 1 did, at sides of 8n, which its crops have. */
/** RGB minus the data set's mean; levels and logits are enlarged as TensorFlow 1 did, at sides of 8n, which its crops have. */
export function holysevenParts(classes: number, backbone: ResNet): GivenParts {
  const mean = isCityscapes(classes)
    ? [72.41519599, 82.93553322, 73.18188461]
    : [122.67891434, 116.66876762, 104.00698793];
  const [red, green, blue] = mean.map((value) => value / 255);
  return {
    backbone: { ...backbone, stemPadding: "poolEnd" },
    pyramid: { concatOrder: "descending", alignCorners: "asymmetric" },
    head: { dropoutOf: "elements" },
    auxiliary: { dropoutOf: "elements" },
    upsampling: { alignCorners: "asymmetric", sizes: "8n" },
    input: { ...CAFFE_INPUT, mean: [red, green, blue], channelOrder: "rgb" },
  };
}

const holyseven: readonly Preset[] = (["ade20k", "voc2012", "cityscapes"] as const).flatMap((dataset) =>
  ([50, 101] as const).map((layers) => {
    const { classes } = DATASETS[dataset];
    return {
      name: `holyseven-resnet${layers}-${dataset}`,
      follows: "holyseven/PSPNet-TF-Reproduce",
      classes,
      crop: holysevenCrop(classes),
      parts: holysevenParts(classes, { layers, stem: "plain" }),
    };
  }),
);

export const tensorflow: readonly Preset[] = [...hellochick, ...jiye, ...holyseven];
