import { PspnetError } from "../error.js";

export const DEPTHS = [18, 34, 50, 101, 152] as const;
export type Depth = (typeof DEPTHS)[number];

/** Every place where implementations of PSPNet differ; stored with the weights. */
export interface PSPNetConfig {
  readonly layers: Depth;
  readonly classes: number;
  /** "deep": three 3x3 convolutions, as the paper's authors; "plain": one 7x7, as torchvision. */
  readonly stem: "deep" | "plain";
  /** Outputs of the stem's convolutions: 3 numbers for deep (the authors' 64, 64, 128; mmseg's 32, 32, 64), 1 for plain. */
  readonly stemChannels: readonly number[];
  /** Which convolution of a bottleneck strides: "1x1" as Caffe's ResNet-50, "3x3" as PyTorch. */
  readonly strideIn: "1x1" | "3x3";
  /** Max-pool without padding, sizes rounded up, as Caffe; else padding 1, rounded down. */
  readonly ceilPool: boolean;
  /** Dilation of the first block of a dilated stage: "full" as its other blocks (the authors), "halved" as mmseg and CSAIL. */
  readonly firstDilation: "full" | "halved";
  readonly outputStride: 8 | 16;
  /** Channels of the first stage; 64 in every published network, less for small ones. */
  readonly width: number;
  /** The pyramid; without it the network is the paper's dilated FCN baseline. */
  readonly ppm: boolean;
  /** Cells a side of the pyramid's levels, from coarse to fine. */
  readonly bins: readonly number[];
  readonly pool: "average" | "max";
  /** Whether a 1x1 convolution reduces each level to features / bins.length channels (the paper's DR). */
  readonly reduction: boolean;
  readonly headChannels: number;
  readonly auxChannels: number;
  /** Whether there is an auxiliary head. */
  readonly aux: boolean;
  readonly alignCorners: boolean;
  /** Order of the levels after the input: "ascending" [x, 1, 2, 3, 6] as the official PyTorch, "descending" as Caffe. */
  readonly concatOrder: "ascending" | "descending";
  readonly dropout: number;
  readonly bnEps: number;
  /** PyTorch's convention; Caffe's 0.95 is 0.05. */
  readonly bnMomentum: number;
}

/**
 * The official PyTorch release's network, with what `fields` says otherwise.
 *
 * @throws PspnetError "config" naming the field, what it may be and what it is.
 */
export function pspnetConfig(fields: Partial<PSPNetConfig> & Pick<PSPNetConfig, "classes">): PSPNetConfig {
  const { stem = "deep", width = 64 } = fields;
  const defaults: Omit<PSPNetConfig, "classes"> = {
    layers: 50,
    stem,
    stemChannels: stem === "deep" ? [width, width, 2 * width] : [width],
    strideIn: "3x3",
    ceilPool: false,
    firstDilation: "full",
    outputStride: 8,
    width,
    ppm: true,
    bins: [1, 2, 3, 6],
    pool: "average",
    reduction: true,
    headChannels: 512,
    auxChannels: 256,
    aux: true,
    alignCorners: true,
    concatOrder: "ascending",
    dropout: 0.1,
    bnEps: 1e-5,
    bnMomentum: 0.1,
  };
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const config: PSPNetConfig = { ...defaults, ...(given as typeof fields) };
  for (const field of Object.keys(config)) {
    if (!Object.hasOwn(RULES, field))
      fail(field, `one of ${Object.keys(RULES).join(", ")}`, "a field unknown to PSPNet");
  }
  for (const [field, [expected, holds]] of Object.entries(RULES)) {
    const value = config[field as keyof PSPNetConfig];
    if (!holds(value)) fail(field, expected, JSON.stringify(value));
  }
  checkRelations(config);
  return config;
}

/** Channels of the four stages' outputs. */
export function stageChannels({ layers, width }: PSPNetConfig): readonly [number, number, number, number] {
  const first = width * (layers >= 50 ? 4 : 1);
  return [first, 2 * first, 4 * first, 8 * first];
}

type Rule = readonly [expected: string, holds: (value: unknown) => boolean];

const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && (value as number) > 0;
const isCounts = (value: unknown): boolean => Array.isArray(value) && value.length > 0 && value.every(isCount);
const COUNT: Rule = ["a whole number above 0", isCount];
const FLAG: Rule = ["true or false", (value) => typeof value === "boolean"];

const RULES: { readonly [Field in keyof PSPNetConfig]: Rule } = {
  layers: oneOf(DEPTHS),
  classes: ["a whole number from 2 to 255 (label 255 is ignored)", (value) => isCount(value) && isIn(value, 2, 255)],
  stem: oneOf(["deep", "plain"]),
  stemChannels: ["a list of whole numbers above 0", isCounts],
  strideIn: oneOf(["1x1", "3x3"]),
  ceilPool: FLAG,
  firstDilation: oneOf(["full", "halved"]),
  outputStride: oneOf([8, 16]),
  width: COUNT,
  ppm: FLAG,
  bins: ["a list of whole numbers above 0", isCounts],
  pool: oneOf(["average", "max"]),
  reduction: FLAG,
  headChannels: COUNT,
  auxChannels: COUNT,
  aux: FLAG,
  alignCorners: FLAG,
  concatOrder: oneOf(["ascending", "descending"]),
  dropout: ["a number from 0 to below 1", (value) => isIn(value, 0, 1) && value !== 1],
  bnEps: ["a number above 0", (value) => isIn(value, Number.MIN_VALUE, Number.MAX_VALUE)],
  bnMomentum: ["a number from 0 to 1", (value) => isIn(value, 0, 1)],
};

function checkRelations(config: PSPNetConfig): void {
  const { stem, stemChannels, bins, reduction, ppm } = config;
  const convolutions = stem === "deep" ? 3 : 1;
  if (stemChannels.length !== convolutions) {
    fail("stemChannels", `${convolutions} numbers for stem=${stem}`, JSON.stringify(stemChannels));
  }
  if (bins.some((bin, i) => i > 0 && bin <= bins[i - 1])) {
    fail(
      "bins",
      "cells a side in ascending order (concatOrder=descending concatenates them the other way round)",
      JSON.stringify(bins),
    );
  }
  const features = stageChannels(config)[3];
  if (ppm && reduction && features < bins.length) {
    fail("bins", `at most as many levels as features (${features})`, JSON.stringify(bins));
  }
}

function oneOf(values: readonly unknown[]): Rule {
  return [`one of ${values.join(", ")}`, (value) => values.includes(value)];
}

function isIn(value: unknown, low: number, high: number): boolean {
  return typeof value === "number" && value >= low && value <= high;
}

function fail(field: string, expected: string, found: string): never {
  throw new PspnetError("config", `pspnetConfig: ${field}: expected ${expected}, found ${found}`);
}
