import { ConfusionMatrix, type Image, type LabelMap, type Protocol } from "@pspnet/core";
import { mapAhead } from "@pspnet/core/segment";
import type { Dataset, Sample } from "../data/dataset.js";

/** What is evaluated: a `Network`, a `Runtime`, or anything else that labels images. */
export interface Labeller {
  labels(image: Image, options: Protocol & { readonly signal?: AbortSignal }): LabelMap | Promise<LabelMap>;
}

export interface EvaluateOptions {
  readonly protocol: Protocol;
  readonly signal?: AbortSignal;
  /** Called after each image. */
  readonly onImage?: (
    done: number,
    sample: Sample,
    prediction: LabelMap,
    confusion: ConfusionMatrix,
  ) => void | Promise<void>;
}

/** Samples that are read while one is segmented. */
const AHEAD = 2;

/** Segments every image of `dataset` and counts what was right: the one source of all scores. */
export async function evaluate(
  labeller: Labeller,
  dataset: Pick<Dataset, "length" | "classes" | "at">,
  { protocol, signal, onImage }: EvaluateOptions,
): Promise<ConfusionMatrix> {
  const confusion = new ConfusionMatrix(dataset.classes.names.length);
  const indices = Array(dataset.length).keys();
  let done = 0;
  for await (const sample of mapAhead(indices, (index) => dataset.at(index), { ahead: AHEAD })) {
    signal?.throwIfAborted();
    const prediction = await labeller.labels(sample.image, { ...protocol, signal });
    confusion.add(prediction.data, sample.label.data);
    await onImage?.(++done, sample, prediction, confusion);
  }
  return confusion;
}
