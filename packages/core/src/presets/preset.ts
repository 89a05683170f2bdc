import type { GivenParts } from "../model/parts.js";

/** A published network, as configuration. */
export interface Preset {
  /** `mmseg-r50-d8` */
  readonly name: string;
  /** Where it was published. */
  readonly follows: string;
  /** Where it differs from the official PyTorch release. */
  readonly parts: GivenParts;
  /** As many as the data set has that it was trained on. */
  readonly classes: number;
  /** Side of the crops that it was trained on. */
  readonly crop: number;
}

/** Classes and crops of the paper's data sets, by their names. */
export const DATASETS = {
  ade20k: { classes: 150, crop: 473 },
  voc2012: { classes: 21, crop: 473 },
  cityscapes: { classes: 19, crop: 713 },
} as const;

/** Side of the paper's training crops, by number of classes: Cityscapes' are larger. */
export function paperCrop(classes: number): number {
  return classes === DATASETS.cityscapes.classes ? DATASETS.cityscapes.crop : DATASETS.ade20k.crop;
}

/** Caffe's images: BGR of values from 0 to 255 minus their mean. */
export const CAFFE_INPUT = {
  mean: [123.68 / 255, 116.779 / 255, 103.939 / 255],
  std: [1 / 255, 1 / 255, 1 / 255],
  channelOrder: "bgr",
} as const;
