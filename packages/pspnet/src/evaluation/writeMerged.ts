import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import { datasetIdentity } from "../data/identity.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { predictionFile } from "../report/errorWriter.js";
import type { Evaluation } from "./evaluation.js";
import type { NamedPart } from "./mergeParts.js";
import { openSplit } from "./openEvaluation.js";
import { writeEvaluation } from "./writeEvaluation.js";

export interface WriteMergedOptions {
  /** Where the parts, and beside them the predictions, are. */
  readonly parts: readonly NamedPart[];
  readonly out: string;
  readonly worst: number;
  /** The dataset, where it is elsewhere than it was for the parts. */
  readonly data?: string;
}

/**
 * Writes of merged parts what one process would have written.
 *
 * @throws PspnetError "usage" for parts without predictions and for another dataset.
 */
export async function writeMerged(
  evaluation: Evaluation,
  { parts, out, worst, data = evaluation.dataset.data }: WriteMergedOptions,
): Promise<void> {
  const bare = parts.find(({ part }) => part.errors === null);
  if (bare) {
    const mend = "make the parts with --out, or merge them without it";
    throw new PspnetError(
      "usage",
      `--out ${out}: expected parts with predictions, found ${bare.name} without; ${mend}`,
    );
  }
  const { split, format, channels } = evaluation.dataset;
  const dataset = await openSplit({ data, split, format: format ?? undefined }, channels);
  if ((await datasetIdentity(dataset)) !== parts[0].part.dataset.sha256) {
    const mend = "give the same files by --data, or merge without --out";
    throw new PspnetError(
      "usage",
      `${data}: expected the dataset that the parts were scored on, found another; ${mend}`,
    );
  }
  for (const { name, part } of parts) {
    for (const { index } of part.errors!.images) {
      const [from, to] = [dirname(name), out].map((folder) => predictionFile(folder, index));
      if (resolve(from) !== resolve(to)) await atomicWrite(to, await readFile(from));
    }
  }
  await writeEvaluation(evaluation, { dataset, out, worst });
}
