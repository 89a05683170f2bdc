import { resNet } from "../backbone/resnet.js";
import type { ConfigOf, GivenOf } from "../config/kind.js";
import { convolutionAuxiliary, convolutionHead, noAuxiliary, pointwiseHead } from "../head/convolutionHead.js";
import { normalised } from "../image/normalise.js";
import { batchNorm } from "../nn/norm.js";
import { noPyramid, pyramidPooling } from "../pyramid/pyramidPooling.js";
import { bilinear } from "../upsampling/bilinear.js";

/**
 * What a network is made of, and the kinds of each part; the first is the official release's. A new kind is a file beside
 * these and an entry here.
 */
export const PARTS = {
  backbone: [resNet],
  pyramid: [pyramidPooling, noPyramid],
  head: [convolutionHead, pointwiseHead],
  auxiliary: [convolutionAuxiliary, noAuxiliary],
  upsampling: [bilinear],
  input: [normalised],
  norm: [batchNorm],
} as const;

export type PartName = keyof typeof PARTS;

/** All that a network is, but for the number of classes. */
export type PSPNetParts = { readonly [Part in PartName]: ConfigOf<(typeof PARTS)[Part][number]> };

/** The same with all left out that is as in the official release. */
export type GivenParts = { readonly [Part in PartName]?: GivenOf<(typeof PARTS)[Part][number]> | undefined };

/** The parts that start from random weights, by their names in a network's state. The backbone's layers stand there without one. */
const HEADS = { ppm: "pyramid", cls: "head", aux: "auxiliary" } as const;

/** The part of a network that a parameter belongs to: `cls.0.weight` to the head. */
export function partOf(name: string): "backbone" | (typeof HEADS)[keyof typeof HEADS] {
  const [field] = name.split(".");
  return Object.hasOwn(HEADS, field) ? HEADS[field as keyof typeof HEADS] : "backbone";
}
