/** What {@link AlignCorners} may be. */
export const ALIGN_CORNERS = [true, false, "asymmetric"] as const;

/**
 * Which old place new place i of a bilinear resize is taken from, of `old` to `new` values: with true i (old - 1) / (new - 1), so that
 * the corners stand on each other; with false (i + 1/2) old / new - 1/2, so that the edges of pixels do (PyTorch's two rules);
 * "asymmetric" i old / new (TensorFlow 1's `resize_bilinear` as it stood, ONNX's `asymmetric`). Never beyond the first or last value.
 */
export type AlignCorners = (typeof ALIGN_CORNERS)[number];
