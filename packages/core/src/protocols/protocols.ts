import { PspnetError } from "../error.js";
import { classListNamed } from "../image/classLists.js";
import { cropText } from "../image/crop.js";
import type { ModelDescription } from "../weights/modelFile.js";
import { CAFFE } from "./caffe.js";
import { CSAIL } from "./csail.js";
import { MMSEG, MMSEG_SLIDE } from "./mmseg.js";
import type { Protocol, ProtocolPreset } from "./protocol.js";
import { SEMSEG } from "./semseg.js";

/** The published ways of evaluating, by name. */
export const PROTOCOLS = {
  semseg: SEMSEG,
  caffe: CAFFE,
  mmseg: MMSEG,
  "mmseg-slide": MMSEG_SLIDE,
  csail: CSAIL,
} as const satisfies Record<string, ProtocolPreset>;

export type ProtocolName = keyof typeof PROTOCOLS;

/** One pass over the whole image at its own size; with other scales, flip or windows, the official PyTorch release's. */
export const WHOLE_IMAGE: Protocol = {
  name: null,
  scales: [1],
  flip: false,
  crop: null,
  baseSize: null,
  rules: SEMSEG.rules,
};

/** Whether the protocol is {@link WHOLE_IMAGE}: the classes then follow from the logits, without probabilities. */
export function isWholeImage({ scales, flip, crop, baseSize, rules }: Protocol): boolean {
  const plain = scales.length === 1 && scales[0] === 1 && !flip && crop === null && baseSize === null;
  return plain && (rules.sizes === "long" || rules.sizes === "fit");
}

/** A protocol by its name, and what is said otherwise. */
export interface ProtocolChoice extends Partial<Omit<Protocol, "name">> {
  readonly protocol?: ProtocolName | undefined;
}

/**
 * What a network's images are looked at by: {@link WHOLE_IMAGE} or the named protocol, with what is said otherwise.
 *
 * @throws PspnetError "usage" for windows in a protocol that has none.
 */
export function protocolOf(
  { protocol, scales, flip, crop, baseSize, rules }: ProtocolChoice,
  network: Pick<ModelDescription, "classes" | "crop">,
): Protocol {
  const base = protocol === undefined ? WHOLE_IMAGE : presetFor(protocol, network);
  const chosen: Protocol = {
    name: base.name,
    scales: scales ?? base.scales,
    flip: flip ?? base.flip,
    crop: crop === undefined ? base.crop : crop,
    baseSize: baseSize === undefined ? base.baseSize : baseSize,
    rules: rules ?? base.rules,
  };
  if (chosen.rules.image === "one" && chosen.crop !== null) {
    const found = `crop=${cropText(chosen.crop)}`;
    throw new PspnetError("usage", `protocol csail: expected whole images, found windows of ${found}; leave crop out`);
  }
  return chosen;
}

function presetFor(name: ProtocolName, { classes, crop }: Pick<ModelDescription, "classes" | "crop">): Protocol {
  const { scales, flip, windows, baseSizes, rules }: ProtocolPreset = PROTOCOLS[name];
  const baseSize = baseSizes[classListNamed(classes.names) ?? "other"] ?? baseSizes.other ?? null;
  return { name, scales, flip, crop: windows ? crop : null, baseSize, rules };
}

/** A protocol in words: `semseg: one scale, flip, windows of 473, base size 512`. */
export function protocolText({ name, scales, flip, crop, baseSize }: Protocol): string {
  const parts = [
    scales.length === 1 && scales[0] === 1 ? "one scale" : `scales ${scales.join(" ")}`,
    ...(flip ? ["flip"] : []),
    crop === null ? "whole images" : `windows of ${cropText(crop)}`,
    baseSize === null ? "own size" : `base size ${typeof baseSize === "number" ? baseSize : baseSize.join("x")}`,
  ];
  return [...(name === null ? [] : [`${name}: `]), parts.join(", ")].join("");
}
