import { existsSync } from "node:fs";
import type { PSPNetConfig } from "@pspnet/core";
import { isTree, type Tree } from "../config/tree.js";
import type { PullOptions } from "../pull/pull.js";
import { pulledFile } from "../pull/pull.js";
import { findInZoo, type ZooEntry, zoo } from "../pull/zoo.js";
import { readInit } from "../train/init.js";
import { foundIn } from "../train/initMisfit.js";

/** A network that a run may train, and what it starts from. */
export interface Candidate {
  /** `model` of the configuration, before what is given of it. */
  readonly model: Tree;
  /** Null: random weights. */
  readonly init: string | null;
  /** Whether the heads of `init` are for other classes. */
  readonly newHead: boolean;
  readonly why: string;
  /** Why its output stride is another than the paper's, where that was chosen. */
  readonly strideWhy?: string;
  /** Steps that it wants, and those below which another gets further. */
  readonly wanted: number;
  readonly fewest: number;
  /** Side of the square as large as the smallest crop that it is worth training on. */
  readonly smallest: number;
}

const PRETRAINED = { wanted: 80, fewest: 20, smallest: 113 } as const;
const RANDOM = { wanted: 300, fewest: 300, smallest: 113 } as const;
/** Of features at an eighth of the image's side, where those at a sixteenth cost a third. */
const DENSE = { wanted: 500, fewest: 500, smallest: 297 } as const;

/** Widths of the ResNet-18 that is trained from nothing. */
const WIDTHS = [64, 32, 16] as const;

/** Networks to train from random weights, the largest first: small ones, since there is nothing that a deep one could have learnt. */
export function networksFromNothing(): Candidate[] {
  return WIDTHS.map((width) => ({
    model: {
      backbone: { layers: 18, stem: "plain", width },
      head: { channels: 8 * width },
      auxiliary: { channels: 4 * width },
    },
    init: null,
    newHead: false,
    why: "no starting weights are at hand (init=resnet50 fetches some, and makes the most of few photographs)",
    ...RANDOM,
  }));
}

/** Backbones of published weights, the best to start from first. */
const BACKBONES: readonly string[] = ["resnet50", "resnet101", "resnet34", "resnet18"];

/** Published weights that were pulled before, the best to start from first: backbones of ImageNet, then whole networks. */
export function pulledWeights(): ZooEntry[] {
  const rank = ({ alone, backbone }: ZooEntry) => {
    const place = BACKBONES.indexOf(backbone);
    return (place < 0 ? BACKBONES.length : place) + (alone ? 0 : BACKBONES.length + 1);
  };
  return zoo()
    .filter((entry) => entry.supported && existsSync(pulledFile(entry)))
    .sort((a, b) => rank(a) - rank(b) || b.score - a.score);
}

/** Fields of a ResNet that its tensors cannot tell. */
const UNTOLD = ["strideIn", "ceilPool"] as const;

/** Networks that the same weights start, the best first, and what of them the weights do not tell. */
export interface StartedNetworks {
  readonly candidates: readonly Candidate[];
  readonly untold: readonly string[];
}

/**
 * The network whose weights a file has: a backbone alone, which can stride further than the paper's, as such and with output stride 16.
 * What is given of the network goes before it.
 *
 * @throws PspnetError as reading the weights does.
 */
export async function networksOf(
  { init, why }: { readonly init: string; readonly why: string },
  {
    classes,
    given,
    ...pulling
  }: { readonly classes: number; readonly given: Tree } & Pick<PullOptions, "signal" | "stream">,
): Promise<StartedNetworks> {
  const found = foundIn(await readInit(init, pulling), init);
  const base = { init, why, ...PRETRAINED };
  // What it lacks is said when it is loaded.
  if (found === null) return { candidates: [{ ...base, model: {}, newHead: false }], untold: [] };
  const { config, tells } = found;
  const newHead = found.classes !== null && found.classes !== classes;
  const backbone = isTree(given.backbone) ? given.backbone : {};
  const isKnown = findInZoo(init) !== null || !("strideIn" in config.backbone);
  const untold = isKnown ? [] : UNTOLD.filter((field) => !tells(`backbone.${field}`) && !(field in backbone));
  const whole = found.classes !== null && !newHead;
  const candidate = { ...base, model: partsOf(config, whole), newHead };
  const candidates = found.classes === null ? stridesOf(candidate, config, backbone) : [candidate];
  return { candidates, untold: untold.map((field) => `model.backbone.${field}`) };
}

/** Dilations are those that the stride asks for. */
function stridesOf(candidate: Candidate, { backbone }: PSPNetConfig, given: Tree): Candidate[] {
  if (backbone.kind !== "resnet" || backbone.outputStride !== 8 || "dilations" in given) return [candidate];
  const { dilations: _, ...fields } = backbone;
  const ofStride = (outputStride: unknown) => ({ ...candidate.model, backbone: { ...fields, outputStride } });
  if ("outputStride" in given) return [{ ...candidate, model: ofStride(given.outputStride) }];
  return [
    { ...candidate, ...DENSE },
    {
      ...candidate,
      model: ofStride(16),
      strideWhy: `at 8, the paper's, the time has not ${DENSE.fewest} steps of large crops`,
    },
  ];
}

function partsOf({ backbone, norm, input, pyramid, head, upsampling }: PSPNetConfig, whole: boolean): Tree {
  return { backbone, norm, input, ...(whole && { pyramid, head, upsampling }) };
}

/** Whether a network is as the given fields of it say. */
export function agrees({ model }: Candidate, given: Tree): boolean {
  return Object.entries(given).every(([part, fields]) => {
    const own = model[part];
    if (!isTree(fields) || !isTree(own)) return true;
    return Object.entries(fields).every(
      ([field, value]) => !(field in own) || JSON.stringify(own[field]) === JSON.stringify(value),
    );
  });
}
