/** How an image is looked at, in validation and in prediction alike. */
export interface Protocol {
  /** Probabilities are averaged over the image at these sizes. */
  readonly scales: readonly number[];
  /** Whether each window is also looked at mirrored. */
  readonly flip: boolean;
  /** Side of a sliding window of stride 2/3; null: the whole image at once. */
  readonly crop: number | null;
  /** Long side at scale 1; null: the image's own size. */
  readonly baseSize: number | null;
}

/** One pass over the whole image at its own size. */
export const WHOLE_IMAGE: Protocol = { scales: [1], flip: false, crop: null, baseSize: null };

/** Whether the protocol is {@link WHOLE_IMAGE}: the classes then follow from the logits, without probabilities. */
export function isWholeImage({ scales, flip, crop, baseSize }: Protocol): boolean {
  return scales.length === 1 && scales[0] === 1 && !flip && crop === null && baseSize === null;
}
