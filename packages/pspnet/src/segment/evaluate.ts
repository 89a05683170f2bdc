import { ConfusionMatrix, type LabelMap, type RgbImage } from "@pspnet/core";
import type { Dataset, Sample } from "../data/dataset.js";
import { prefetch } from "../data/prefetch.js";
import type { Protocol } from "./protocol.js";

/** What is evaluated: a `Segmenter`, a `Runtime`, or anything else that labels images. */
export interface Labeller {
  labels(
    image: RgbImage,
    protocol: Protocol,
    options?: { readonly signal?: AbortSignal },
  ): LabelMap | Promise<LabelMap>;
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

/** Segments every image of `dataset` and counts what was right: the one source of all scores. */
export async function evaluate(
  labeller: Labeller,
  dataset: Dataset,
  { protocol, signal, onImage }: EvaluateOptions,
): Promise<ConfusionMatrix> {
  const confusion = new ConfusionMatrix(dataset.classes.names.length);
  let done = 0;
  for await (const sample of prefetch(dataset, { ahead: 2 })) {
    signal?.throwIfAborted();
    const prediction = await labeller.labels(sample.image, protocol, { signal });
    confusion.add(prediction.data, sample.label.data);
    await onImage?.(++done, sample, prediction, confusion);
  }
  return confusion;
}
