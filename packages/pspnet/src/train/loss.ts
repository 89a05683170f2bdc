import { IGNORE, type Logits, PspnetError } from "@pspnet/core";
import type { Tensor } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";

export interface SegmentationLossOptions {
  readonly alignCorners: boolean;
  /** Weight of the auxiliary loss (paper, section 3.3). */
  readonly auxWeight: number;
  /** `[classes]`, or null for equal weights. */
  readonly classWeights: Tensor | null;
}

/**
 * The paper's loss: mean cross-entropy over the labelled pixels of the logits enlarged to the labels, plus `auxWeight`
 * times that of the auxiliary head. `labels` is uint8 `[n, H, W]`.
 */
export function segmentationLoss(
  { out, aux }: Logits<Tensor>,
  labels: Tensor,
  options: SegmentationLossOptions,
): Tensor {
  const { alignCorners, auxWeight, classWeights: weight } = options;
  const crossEntropy = (logits: Tensor) =>
    logits.upsampledCrossEntropy(labels, { alignCorners, weight, ignoreIndex: IGNORE });
  const main = crossEntropy(out);
  return aux === null ? main : main.add(crossEntropy(aux).mul(auxWeight));
}

/** @throws PspnetError "config" unless there is a weight for each class. */
export function checkClassWeights({ classWeights }: Pick<TrainConfig, "classWeights">, classes: number): void {
  if (classWeights === null || classWeights.length === classes) return;
  const expected = `${classes} numbers, one for each class of the dataset`;
  throw new PspnetError("config", `classWeights: expected ${expected}, found ${classWeights.length}`);
}
