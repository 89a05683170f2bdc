import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { z } from "zod";
import { atomicWrite } from "../files/atomicWrite.js";

const share = z.number().min(0).max(1);
const testSchema = z.object({ meanIoU: share, meanAccuracy: share, pixelAccuracy: share, protocol: z.string() });
const scoresSchema = z.object({
  variant: z.string(),
  seed: z.int(),
  /** Of the training, from its first step to its last. */
  seconds: z.number().min(0),
  tests: z.partialRecord(z.enum(["single", "multi"]), testSchema),
});

/** What a run that is trained was found to be. */
export type RunScores = z.output<typeof scoresSchema>;
export type TestScore = z.output<typeof testSchema>;

/** The folder of a run's scores, which the process that trains it keeps for itself. */
export function scoresFolder(study: string, id: string): string {
  return join(study, "scores", id);
}

const scoresFile = (study: string, id: string): string => join(scoresFolder(study, id), "scores.json");

/**
 * Null for a run that is not trained to its end.
 *
 * @throws PspnetError "format" for a file that was not written here.
 */
export async function readScores(study: string, id: string): Promise<RunScores | null> {
  const file = scoresFile(study, id);
  const text = await readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return scoresSchema.parse(JSON.parse(text));
  } catch (cause) {
    const mend = "delete it, and the run is scored again";
    throw new PspnetError("format", `${file}: expected the scores of a run, found another text; ${mend}`, { cause });
  }
}

export async function writeScores(study: string, id: string, scores: RunScores): Promise<void> {
  await atomicWrite(scoresFile(study, id), `${JSON.stringify(scores, null, 2)}\n`);
}

/** The scores of all runs that are there, whoever trained them, by their names. */
export async function allScores(study: string): Promise<RunScores[]> {
  const ids = await readdir(join(study, "scores")).catch(() => []);
  const found = await Promise.all(ids.sort().map((id) => readScores(study, id)));
  return found.filter((scores) => scores !== null);
}
