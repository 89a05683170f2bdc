import { IGNORE, type Logits, PspnetError } from "@pspnet/core";
import { type Tensor, tensor } from "@pspnet/torch";
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
 * times that of the auxiliary head. One that classifies whole images is told which classes they show: {@link presenceLoss}.
 * `labels` is uint8 `[n, H, W]`.
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
  if (aux === null) return main;
  const auxiliary = aux.shape.length === 2 ? presenceLoss(aux, labels, { weight }) : crossEntropy(aux);
  return main.add(auxiliary.mul(auxWeight));
}

/** Mean binary cross-entropy of the logits of whole images, `[n, classes]`, whether each class is among an image's labels. */
function presenceLoss(logits: Tensor, labels: Tensor, { weight }: { readonly weight: Tensor | null }): Tensor {
  const x = logits.to({ dtype: "float32" });
  const shown = presence(labels, logits.shape[1]).to({ device: logits.device });
  // max(x, 0) - x y + log(1 + exp(-|x|)): nothing overflows.
  const losses = x.relu().sub(x.mul(shown)).add(x.abs().neg().exp().add(1).log());
  return (weight === null ? losses : losses.mul(weight)).mean();
}

/** 1 for each class that an image shows, else 0: `[n, classes]`. */
function presence(labels: Tensor, classes: number): Tensor {
  const [n] = labels.shape;
  const ids = labels.toArray() as Uint8Array;
  const shown = new Float32Array(n * classes);
  const pixels = ids.length / n;
  for (let image = 0; image < n; image++) {
    for (let i = image * pixels; i < (image + 1) * pixels; i++)
      if (ids[i] < classes) shown[image * classes + ids[i]] = 1;
  }
  return tensor(shown, [n, classes]);
}

/** @throws PspnetError "config" unless there is a weight for each class. */
export function checkClassWeights({ classWeights }: Pick<TrainConfig, "classWeights">, classes: number): void {
  if (classWeights === null || classWeights.length === classes) return;
  const expected = `${classes} numbers, one for each class of the dataset`;
  throw new PspnetError("config", `classWeights: expected ${expected}, found ${classWeights.length}`);
}
