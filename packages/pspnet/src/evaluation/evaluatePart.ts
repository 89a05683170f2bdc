import type { ConfusionMatrix } from "@pspnet/core";
import { shard } from "../data/shard.js";
import type { Share } from "../ranks/share.js";
import { ErrorWriter } from "../report/errorWriter.js";
import { evaluate } from "../segment/evaluate.js";
import type { Findings } from "./evaluation.js";
import type { OpenedEvaluation } from "./openEvaluation.js";

export interface EvaluatePartOptions {
  readonly part: Share;
  /** Where predictions go; null: nowhere. */
  readonly out: string | null;
  readonly signal?: AbortSignal;
  /** Told of the part's images done, and the counts of their pixels. */
  readonly onImage: (done: number, confusion: ConfusionMatrix) => void;
}

/** Scores the images of a part. */
export async function evaluatePart(
  { net, dataset, keys }: Pick<OpenedEvaluation, "net" | "dataset" | "keys">,
  { part, out, signal, onImage }: EvaluatePartOptions,
): Promise<Findings> {
  const share = { rank: part.number - 1, size: part.of };
  const errors = out === null ? null : new ErrorWriter(dataset, out);
  const start = performance.now();
  const confusion = await evaluate(net, shard(dataset, share), {
    protocol: keys.protocol,
    signal,
    onImage: async (done, sample, prediction, soFar) => {
      await errors?.add(sample, prediction, (done - 1) * share.size + share.rank);
      onImage(done, soFar);
    },
  });
  const seconds = (performance.now() - start) / 1000;
  return { counts: confusion.toJSON().counts, seconds, errors: errors?.found ?? null };
}
