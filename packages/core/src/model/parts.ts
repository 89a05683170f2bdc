import { denseNet } from "../backbone/densenet.js";
import { mobileNetV2 } from "../backbone/mobilenetv2.js";
import { resNet } from "../backbone/resnet.js";
import { squeezeNet } from "../backbone/squeezenet.js";
import type { ConfigOf, GivenOf } from "../config/kind.js";
import { convolutionAuxiliary, convolutionHead, noAuxiliary, pointwiseHead } from "../head/convolutionHead.js";
import { imageAuxiliary } from "../head/imageAuxiliary.js";
import { progressiveHead } from "../head/progressiveHead.js";
import { normalised } from "../image/normalise.js";
import { batchNorm } from "../nn/norm.js";
import { pyramidFactors } from "../pyramid/pyramidFactors.js";
import { noPyramid, pyramidPooling } from "../pyramid/pyramidPooling.js";
import { bilinear } from "../upsampling/bilinear.js";

/**
 * What a network is made of, and the kinds of each part; the first is the official release's. A new kind is a file beside
 * these and an entry here.
 */
export const PARTS = {
  backbone: [resNet, denseNet, squeezeNet, mobileNetV2],
  pyramid: [pyramidPooling, pyramidFactors, noPyramid],
  head: [convolutionHead, pointwiseHead, progressiveHead],
  auxiliary: [convolutionAuxiliary, imageAuxiliary, noAuxiliary],
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
