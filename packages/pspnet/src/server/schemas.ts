import { z } from "zod";
import { ANSWER_KINDS, type AnswerKind } from "./answerKind.js";

// What the server's JSON holds.

const size = { width: z.int().positive(), height: z.int().positive() };

export const SEGMENTATION = z.object({
  model: z.string().describe("the network's name"),
  ...size,
  areas: z
    .array(
      z.object({
        id: z.int(),
        name: z.string(),
        pixels: z.int(),
        share: z.number().describe("of the photograph's pixels, 0 to 1"),
      }),
    )
    .describe("the classes found, largest first"),
  runs: z.array(z.int()).describe("class and number of pixels by turns, row by row from the top left"),
});

export type SegmentationJson = z.infer<typeof SEGMENTATION>;

export const MODELS = z.object({
  models: z
    .array(
      z.object({
        name: z.string().describe("for ?model="),
        classes: z.array(
          z.object({ id: z.int(), name: z.string(), colour: z.array(z.number()).describe("red, green, blue") }),
        ),
        crop: z.union([z.int(), z.array(z.int())]).describe("of training: a side, or [height, width]"),
        runtime: z.string(),
        licence: z.string(),
        meanIoU: z.number().nullable().describe("as it was measured, 0 to 1"),
        origin: z.string().nullable().describe("where the weights come from"),
      }),
    )
    .describe("the first is what segments where no model is named"),
});

export type ModelsJson = z.infer<typeof MODELS>;

export const URL_QUESTION = z.strictObject({
  url: z.url({ protocol: /^https?$/ }).describe("of a photograph on the public network"),
});

export const PROBLEM = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().describe("what was expected, what was found, and the mend"),
});

const KIND = z.enum(Object.keys(ANSWER_KINDS) as [AnswerKind, ...AnswerKind[]]);

export const JOB_QUESTION = z.strictObject({
  model: z.string().optional().describe("the network; the first unless it is given"),
  answer: KIND.optional().describe("json unless it is given"),
});

export const JOB = z.object({
  id: z.string(),
  model: z.string(),
  answer: KIND,
  photographs: z.int().describe("that it was given"),
  done: z.int(),
  failures: z.array(z.object({ number: z.int(), detail: z.string() })),
});

export type JobJson = z.infer<typeof JOB>;
