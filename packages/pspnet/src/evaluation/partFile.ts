import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { PspnetError, RULES } from "@pspnet/core";
import { z } from "zod";
import { inWords } from "../config/inWords.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { readRegular } from "../files/readRegular.js";
import { MOST_SHARES } from "../ranks/share.js";
import type { EvaluationPart } from "./evaluation.js";
import type { NamedPart } from "./mergeParts.js";

const NAME = /^part-\d+-of-\d+\.json$/;
/** By what a file is known for a part, and its form. */
const FORM = "pspnet evaluation part 1";

const pixels = z.int().min(0);
const share = z.number().min(0);
const pair = z.tuple([z.int().min(1), z.int().min(1)]);
const rule = <T extends string>(choices: readonly T[]) => z.enum(choices as readonly [T, ...T[]]);

const protocolSchema = z.strictObject({
  name: z.string().nullable(),
  scales: z.array(z.number().positive()).min(1),
  flip: z.boolean(),
  crop: z.union([z.int().min(1), pair]).nullable(),
  baseSize: z.union([z.int().min(1), pair]).nullable(),
  rules: z.strictObject({
    sizes: rule(RULES.sizes),
    photograph: rule(RULES.photograph),
    padding: rule(RULES.padding),
    stride: rule(RULES.stride),
    softmax: rule(RULES.softmax),
    image: rule(RULES.image),
    mean: rule(RULES.mean),
  }),
});

const errorsSchema = z.strictObject({
  images: z.array(
    z.strictObject({
      index: pixels,
      id: z.string(),
      meanIoU: share.nullable(),
      pixelAccuracy: share,
      classes: z.array(z.strictObject({ id: pixels, iou: share })),
      confusions: z.array(z.strictObject({ truth: pixels, guess: pixels, pixels })),
    }),
  ),
  objects: z.array(z.array(z.strictObject({ objects: pixels, found: pixels, recall: share })).length(3)),
  boundary: z.strictObject({ intersections: z.array(pixels), unions: z.array(pixels) }),
});

const partSchema = z
  .strictObject({
    form: z.literal(FORM),
    part: z.strictObject({ number: z.int().min(1), of: z.int().min(1).max(MOST_SHARES) }),
    weights: z.strictObject({ file: z.string(), sha256: z.string() }),
    dataset: z.strictObject({
      data: z.string(),
      split: z.string(),
      format: z.string().nullable(),
      images: z.int().min(1),
      channels: z.int().min(1),
      sha256: z.string(),
    }),
    protocol: protocolSchema,
    runtime: z.string(),
    names: z.array(z.string()).min(1),
    counts: z.array(pixels),
    seconds: share,
    errors: errorsSchema.nullable(),
  })
  .refine(({ part }) => part.number <= part.of, { error: "its number is above that of the parts", path: ["part"] })
  .refine(({ names, counts }) => counts.length === names.length ** 2, {
    error: "not a count for each pair of classes",
    path: ["counts"],
  })
  .refine(({ errors, names }) => errors === null || fits(errors, names.length), {
    error: "not those of its classes",
    path: ["errors"],
  });

function fits({ images, objects, boundary }: z.output<typeof errorsSchema>, classes: number): boolean {
  const ids = images.flatMap((image) => [
    ...image.classes.map(({ id }) => id),
    ...image.confusions.flatMap(({ truth, guess }) => [truth, guess]),
  ]);
  const lengths = [boundary.intersections.length, boundary.unions.length];
  return objects.length === images.length && ids.every((id) => id < classes) && lengths.every((one) => one === classes);
}

/** Writes a part, whole or not at all; gives its path. */
export async function writePart(folder: string, part: EvaluationPart): Promise<string> {
  const file = join(folder, `part-${part.part.number}-of-${part.part.of}.json`);
  await atomicWrite(file, `${JSON.stringify({ form: FORM, ...part })}\n`);
  return file;
}

/**
 * The parts that are in files, and in folders.
 *
 * @throws PspnetError "usage" where nothing is there, "data" naming a file that is no part, or a broken one.
 */
export async function readParts(places: readonly string[]): Promise<NamedPart[]> {
  const files: string[] = [];
  for (const place of places) files.push(...(await partsAt(place)));
  const parts: NamedPart[] = [];
  for (const name of files) parts.push({ name, part: await readPart(name) });
  return parts;
}

async function partsAt(place: string): Promise<string[]> {
  const kind = await stat(place).catch(() => null);
  if (kind === null)
    throw new PspnetError("usage", `val --merge: expected a part or a folder of parts, found nothing at ${place}`);
  if (!kind.isDirectory()) return [place];
  const names = (await readdir(place)).filter((name) => NAME.test(name)).sort();
  if (names.length > 0) return names.map((name) => join(place, name));
  throw new PspnetError(
    "usage",
    `val --merge: expected part-1-of-n.json and so on in ${place}, found none; val --shard 1/n writes them`,
  );
}

async function readPart(file: string): Promise<EvaluationPart> {
  const broken = (reason: string, cause?: unknown) =>
    new PspnetError(
      "data",
      `${file}: expected a part that val --shard wrote, found another file or a broken one: ${reason}; make it anew`,
      { cause },
    );
  let given: unknown;
  try {
    given = JSON.parse((await readRegular(file)).toString("utf8"));
  } catch (cause) {
    throw broken((cause as Error).message, cause);
  }
  const { success, data, error } = partSchema.safeParse(given, { error: inWords });
  if (!success)
    throw broken(error.issues.map(({ path, message }) => [path.join("."), message].filter(Boolean).join(": "))[0]);
  const { form: _, ...part } = data;
  return part;
}
