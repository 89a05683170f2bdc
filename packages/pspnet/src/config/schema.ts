import { classLists, completeParts, type NetworkFields, PRECISIONS, type PSPNetParts } from "@pspnet/core";
import { z } from "zod";
import { BALANCES, type BalanceName } from "../data/classBalance.js";
import { formatNames } from "../data/formats.js";
import { DURATION } from "./duration.js";
import { expected } from "./inWords.js";

/**
 * Everything that a training run can be told, with the official recipe as default (semseg's `config/ade20k/*.yaml`).
 * One schema gives the types, the defaults, the messages and `pspnet train --keys`.
 */

const textOf = (pattern: RegExp, what: string) => {
  const error = expected(what);
  return z.string({ error }).regex(pattern, { error });
};

const durationSchema = (example: string) => textOf(DURATION, `a number and s, m or h, such as ${example}`);
const pathSchema = (what = "a path") => textOf(/\S/, what);

const cropSide = z.int().min(9);
const cropSchema = z.union([cropSide, z.tuple([cropSide, cropSide]).readonly()], {
  error: expected("a whole number, or two of them, [height, width]"),
});

export const dataSchema = z.strictObject({
  root: pathSchema("the folder of a dataset").describe("folder of the dataset; paths in list files are relative to it"),
  format: z.enum(formatNames).default("auto").describe("how images and masks are paired"),
  train: pathSchema().default("train").describe("training split: a folder name, or a list file"),
  val: pathSchema()
    .default("val")
    .describe(
      "validation split: a folder name, a list file, or the share of the training split to hold out, such as 20%",
    ),
  classes: z
    .union([pathSchema(), z.array(textOf(/\S/, "a name")).min(2)], {
      error: expected("a preset, a file of names, or a list of at least 2 names"),
    })
    .optional()
    .describe(`class names: a preset (${Object.keys(classLists).join(", ")}), a file of names, or a list`),
  ids: z
    .record(z.string(), z.union([z.int().min(0), z.string()], { error: expected("a class or a range of them") }))
    .optional()
    .describe(
      'class of each id or colour in masks: {7: 3, 11-13: 4, 21-30: 5-14, "#804080": 3}; left out, ids are the classes',
    ),
  ignore: z
    .array(
      z.union([z.int().min(0).max(255), z.string()], {
        error: expected("an id from 0 to 255, a range such as 0-6, or a colour such as #000000"),
      }),
    )
    .optional()
    .describe("ids or colours in masks that are no class, beside 255: neither trained nor scored"),
});

/** Core says what a network may be. */
const modelSchema = z.custom<NetworkFields>().transform((given, context): PSPNetParts => {
  const { parts, problems } = completeParts(given);
  for (const { path, message, unknown } of problems)
    context.addIssue({ code: "custom", path: [...path], message, params: { unknown } });
  return parts;
});

const augmentSchema = z.strictObject({
  scaleMin: z.number().positive().default(0.5),
  scaleMax: z.number().positive().default(2),
  rotate: z
    .number()
    .min(0)
    .max(180)
    .default(10)
    .describe("degrees either way, applied to half of the samples; 0 switches it off"),
  blur: z.boolean().default(true).describe("5x5 Gaussian on half of the samples"),
  mirror: z.boolean().default(true),
  photometric: z
    .boolean()
    .default(false)
    .describe("changes brightness, contrast, saturation and hue, each of half of the samples, as mmsegmentation"),
});

const lossSchema = z.strictObject({
  labelSmoothing: z.number().min(0).lt(1).default(0).describe("share of each label that is spread over all classes"),
  ohem: z
    .number()
    .gt(0)
    .lt(1)
    .nullable()
    .default(null)
    .describe("only hard pixels count, whose class has at most this probability, such as 0.7"),
  ohemKept: z
    .number()
    .gt(0)
    .max(1)
    .default(1 / 16)
    .describe("share of the labelled pixels that counts at least, the hardest, with ohem"),
  dice: z.number().min(0).default(0).describe("weight of the soft Dice loss, which is added"),
});

const validationSchema = z.strictObject({
  every: z.int().min(1).default(1).describe("epochs between validations"),
  crop: cropSchema.nullable().default(null).describe("sliding window of this size; null: the whole image at once"),
});

export const trainConfigSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[\w.-]+$/, { error: expected("letters, digits, dots, dashes and underscores alone") })
    .default("pspnet")
    .describe("folder of the run below `runs`"),
  licence: z.string().default("").describe("of the weights; stored in their file"),
  runs: pathSchema().default("runs"),
  data: dataSchema,
  model: modelSchema.prefault({}).describe("the network"),
  init: pathSchema()
    .nullable()
    .default(null)
    .describe(
      "safetensors to start from: a backbone (torchvision's or the official names) or a whole PSPNet, or a name of published weights (`pspnet models --pull`)",
    ),
  head: z
    .enum(["keep", "new"])
    .default("keep")
    .describe("new: ppm, cls and aux start afresh when `init` is a whole PSPNet"),

  crop: cropSchema
    .default(473)
    .describe(
      "training crop: a square's side or [height, width], 8n+1 or as the network or its preset has it; left out, the first from 473 up that the network takes",
    ),
  epochs: z.int().min(1).default(100).describe("passes over the training images; the most there are with a budget"),
  batch: z.int().min(1).default(16).describe("images per optimiser step"),
  accumulate: z
    .int()
    .min(1)
    .default(1)
    .describe("parts that a batch is split into to save memory; gradients are summed"),
  checkpoint: z
    .boolean()
    .default(false)
    .describe(
      "keeps of each residual block its input alone, and computes the rest again for backward: less memory, more time, the same run",
    ),
  lr: z.number().positive().default(0.01),
  schedule: z
    .enum(["poly", "cosine"])
    .default("poly")
    .describe("how the learning rate falls over the run: (1 - progress) ^ power, or half a cosine"),
  power: z.number().positive().default(0.9).describe("of the poly schedule"),
  warmup: z.int().min(0).default(0).describe("steps in which the learning rate rises to what the schedule says"),
  momentum: z.number().min(0).lt(1).default(0.9),
  weightDecay: z.number().min(0).default(1e-4),
  headLrFactor: z
    .number()
    .positive()
    .default(10)
    .describe("learning rate of ppm, cls and aux over that of the backbone"),
  clipGradients: z.number().positive().nullable().default(null).describe("length of all gradients together, at most"),
  ema: z
    .number()
    .gt(0)
    .lt(1)
    .nullable()
    .default(null)
    .describe("decay of a running average of the weights, such as 0.999, which is what is validated and saved"),
  auxWeight: z.number().min(0).default(0.4).describe("weight of the auxiliary loss; 0 drops the branch"),
  classWeights: z
    .union(
      [
        z.array(z.number().min(0)).refine((weights) => weights.some((weight) => weight > 0), {
          error: expected("at least one weight above 0"),
        }),
        z.enum(Object.keys(BALANCES) as BalanceName[]),
      ],
      { error: expected(`${Object.keys(BALANCES).join(", ")} or a list of numbers`) },
    )
    .nullable()
    .default(null)
    .describe(
      "weight of each class in the loss: a list, or measured from the training masks, enet: 1 / ln(1.02 + share), median: median frequency / frequency",
    ),
  loss: lossSchema.prefault({}),
  freeze: z
    .union([z.enum(["none", "backbone"]), z.int().min(0).max(4)], {
      error: expected("none, backbone, or how many stages of it, 0 (the stem alone) to 4"),
    })
    .default("none")
    .describe(
      "what is not trained: the backbone, or its stem and that many of its stages; their batch norm is frozen too",
    ),
  freezeBn: z
    .union([z.boolean(), z.literal("backbone")], { error: expected("true, false or backbone") })
    .default(false)
    .describe(
      "batch norm keeps its statistics: all of it, that of new heads too, or that of the backbone; wants a low lr",
    ),
  augment: augmentSchema.prefault({}),

  seed: z.int().min(0).default(0),
  fraction: z.number().gt(0).max(1).default(1).describe("share of the training images"),
  precision: z
    .enum(["auto", ...PRECISIONS])
    .default("auto")
    .describe("auto: bf16 where the processor is fast at it"),
  device: z.enum(["auto", "cpu", "cuda"]).default("auto"),
  threads: z.int().min(0).default(0).describe("compute threads; 0: one per core"),
  workers: z.int().min(0).max(64).default(1).describe("loader threads; 0: load between the steps"),
  cache: z.enum(["none", "ram"]).default("none").describe("ram: keep decoded images in shared memory"),

  ranks: z
    .union([z.int().min(1), z.literal("gpus")], { error: expected("a number from 1 up, or gpus") })
    .default(1)
    .describe(
      "processes that train as one, each with its share of every batch; gpus: one on each GPU of this machine; under torchrun, srun or mpirun theirs count",
    ),
  restarts: z
    .int()
    .min(0)
    .default(0)
    .describe("times that all ranks begin again at the last checkpoint when one is lost"),
  timeout: durationSchema("10m")
    .default("10m")
    .describe("that ranks wait for each other, before they take one for lost"),
  syncBn: z
    .boolean()
    .default(true)
    .describe("batch norm over the samples of all ranks, as the paper trained; false: each rank's own"),
  wire: z
    .enum(["fp32", "bf16"])
    .default("fp32")
    .describe("how ranks send gradients to each other; bf16 is half the bytes, and rounds"),
  bucket: z.number().positive().default(25).describe("MiB of gradients that are sent together, at least"),

  validation: validationSchema.prefault({}),
  patience: z.int().min(0).default(0).describe("epochs without a better mIoU before stopping; 0: never"),
  budget: durationSchema("4m")
    .nullable()
    .default(null)
    .describe("anneal the learning rate over this much time, all counted but the last validation; `epochs` at most"),
  time: durationSchema("45m").nullable().default(null).describe("stop after this much training time"),
  saveEvery: durationSchema("5m").default("5m").describe("time between checkpoints within an epoch"),
  resume: z.boolean().default(false).describe("continue the run of this name exactly, or for more epochs"),
});

export type TrainConfig = z.output<typeof trainConfigSchema>;
/** What must be said of a run: all but the dataset has a default. */
export type TrainConfigInput = z.input<typeof trainConfigSchema>;
