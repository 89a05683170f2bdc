import type { WindowLogits } from "./enlargedRows.js";

/**
 * Class probabilities averaged with those of the image before: logits whose softmax is `share` of the softmax of `logits` and the rest of
 * that of `before`. They are the logarithms of probabilities, so that of one image again and again the logits stay the same but for a
 * summand that all classes share, and its labels the same.
 *
 * @param before what this gave of the image before, of the same shape; left out, there was none.
 * @param share above 0 to 1.
 */
export function blendedProbabilities(
  { shape, data }: WindowLogits,
  before: WindowLogits | undefined,
  share: number,
): WindowLogits {
  const [views, classes, height, width] = shape;
  const plane = height * width;
  const map = { plane, classes };
  const result = new Float32Array(data.length);
  const [own, rest] = [Math.log(share), Math.log1p(-share)];
  for (let view = 0; view < views; view++) {
    for (let i = view * classes * plane; i < view * classes * plane + plane; i++) {
      const total = logSum(data, i, map);
      for (let at = i; at < i + classes * plane; at += plane) {
        const now = data[at] - total;
        result[at] = before ? logOfSum(now + own, before.data[at] + rest) : now;
      }
    }
  }
  return { shape, data: result };
}

/** log(exp(a) + exp(b)) */
function logOfSum(a: number, b: number): number {
  return Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)));
}

/** The logarithm of the sum of the exponentials of a pixel's logits, the first of which is `values[first]`. */
function logSum(
  values: Float32Array,
  first: number,
  { plane, classes }: { readonly plane: number; readonly classes: number },
): number {
  let top = -Infinity;
  for (let c = 0; c < classes; c++) top = Math.max(top, values[first + c * plane]);
  let sum = 0;
  for (let c = 0; c < classes; c++) sum += Math.exp(values[first + c * plane] - top);
  return top + Math.log(sum);
}
