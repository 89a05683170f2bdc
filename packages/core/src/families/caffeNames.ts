/** The layers of the official Caffe release, whose names its ports to Keras and TensorFlow keep, and where they stand here. */
import { BINS } from "./shapes.js";

/** What a layer computes with. */
export type CaffeParameter = "weight" | "bias" | "running_mean" | "running_var";

export interface CaffeTensor {
  /** `conv3_1_1x1_reduce`, without the ending of its batch norm. */
  readonly layer: string;
  /** Whether it is the batch norm's after the convolution. */
  readonly norm: boolean;
  readonly parameter: CaffeParameter;
}

/** The name here of a tensor there; null for a layer that the release has not. */
export function nameOf({ layer, norm, parameter }: CaffeTensor): string | null {
  const place = placeOf(layer);
  return place && `${norm ? place.norm : place.convolution}.${parameter}`;
}

interface Place {
  readonly convolution: string;
  readonly norm: string;
}

const STEM = ["conv1_1_3x3_s2", "conv1_2_3x3", "conv1_3_3x3"];
const BLOCK = ["1x1_reduce", "3x3", "1x1_increase"];

/** The convolution after stage 4, numbered as if it were a block of it, is the auxiliary head's: `conv4_7`, `conv4_24`. */
const HEADS: readonly (readonly [RegExp, Place])[] = [
  [/^conv5_4$/, { convolution: "cls.0", norm: "cls.1" }],
  [/^conv6$/, { convolution: "cls.4", norm: "cls.5" }],
  [/^conv4_\d+$/, { convolution: "aux.0", norm: "aux.1" }],
  [/^conv6_1$/, { convolution: "aux.4", norm: "aux.5" }],
];

function placeOf(layer: string): Place | null {
  const stem = 3 * STEM.indexOf(layer);
  if (stem >= 0) return { convolution: `layer0.${stem}`, norm: `layer0.${stem + 1}` };
  const level = BINS.findIndex((bins) => layer === `conv5_3_pool${bins}_conv`);
  if (level >= 0) return { convolution: `ppm.features.${level}.1`, norm: `ppm.features.${level}.2` };
  const found = /^conv([2-5])_(\d+)_(.+)$/.exec(layer);
  if (found) return placeInBlock(`layer${Number(found[1]) - 1}.${Number(found[2]) - 1}`, found[3]);
  return HEADS.find(([pattern]) => pattern.test(layer))?.[1] ?? null;
}

function placeInBlock(block: string, part: string): Place | null {
  if (part === "1x1_proj") return { convolution: `${block}.downsample.0`, norm: `${block}.downsample.1` };
  const position = BLOCK.indexOf(part) + 1;
  return position === 0 ? null : { convolution: `${block}.conv${position}`, norm: `${block}.bn${position}` };
}
