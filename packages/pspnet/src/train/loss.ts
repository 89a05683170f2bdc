import { type AlignCorners, IGNORE, type Logits } from "@pspnet/core";
import { type Tensor, tensor } from "@pspnet/torch";

/** What the loss of pixels is, beside mean cross-entropy. */
export interface PixelLossOptions {
  /** Share of every label that is spread evenly over all classes, as torch.nn.CrossEntropyLoss does it. */
  readonly labelSmoothing: number;
  /**
   * Only pixels count whose class has at most this probability (Shrivastava et al., arXiv 1604.03540, of pixels as in mmsegmentation's
   * `OHEMPixelSampler`), or the next ones until `ohemKept` of the labelled ones do; null: all.
   */
  readonly ohem: number | null;
  readonly ohemKept: number;
  /** Weight of the soft Dice loss that is added (Milletari et al., arXiv 1606.04797; segmentation_models_pytorch's `DiceLoss`). */
  readonly dice: number;
}

export interface SegmentationLossOptions extends Partial<PixelLossOptions> {
  readonly alignCorners: AlignCorners;
  /** Weight of the auxiliary loss (paper, section 3.3). */
  readonly auxWeight: number;
  /** `[classes]`, or null for equal weights. */
  readonly classWeights: Tensor | null;
}

/**
 * The paper's loss: mean cross-entropy over the labelled pixels of the logits enlarged to the labels, plus `auxWeight`
 * times that of the auxiliary head; or what the options make of both. One that classifies whole images is told which classes they show: {@link presenceLoss}.
 * `labels` is uint8 `[n, H, W]`.
 */
export function segmentationLoss(
  { out, aux }: Logits<Tensor>,
  labels: Tensor,
  options: SegmentationLossOptions,
): Tensor {
  const { alignCorners, auxWeight, classWeights: weight } = options;
  const { labelSmoothing = 0, ohem = null, ohemKept = 0, dice = 0 } = options;
  const where = { alignCorners, ignoreIndex: IGNORE };
  const hard = { ohemThreshold: ohem ?? 0, ohemKept };
  const pixelLoss = (logits: Tensor) => {
    const crossEntropy = logits.upsampledCrossEntropy(labels, { ...where, weight, labelSmoothing, ...hard });
    return dice > 0 ? crossEntropy.add(logits.upsampledDice(labels, where).mul(dice)) : crossEntropy;
  };
  const main = pixelLoss(out);
  if (aux === null) return main;
  const auxiliary = aux.shape.length === 2 ? presenceLoss(aux, labels, { weight }) : pixelLoss(aux);
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
