import { expect, test } from "vitest";
import { blendedProbabilities } from "./blendedProbabilities.js";
import type { WindowLogits } from "./enlargedRows.js";

const SHAPE = [2, 3, 2, 4] as const;
const [, CLASSES, ...SIDES] = SHAPE;
const PLANE = SIDES[0] * SIDES[1];

/** Logits that spread over so many times their usual range. */
const logits = (seed: number, range = 1): WindowLogits => ({
  shape: SHAPE,
  data: Float32Array.from({ length: 2 * CLASSES * PLANE }, (_, i) => range * 8 * Math.sin(12.9 * i + seed)),
});

/** The softmax over the classes, pixel by pixel. */
function softmax({ data }: WindowLogits): number[] {
  const at = (i: number, c: number) => data[(Math.floor(i / PLANE) * CLASSES + c) * PLANE + (i % PLANE)];
  return Array.from({ length: 2 * PLANE }, (_, i) => i).flatMap((i) => {
    const powers = Array.from({ length: CLASSES }, (_, c) => Math.exp(at(i, c)));
    const sum = powers.reduce((a, b) => a + b);
    return powers.map((power) => power / sum);
  });
}

test("each view's probabilities are averaged with their shares", () => {
  const [now, first] = [logits(1), logits(2)];
  const before = blendedProbabilities(first, undefined, 0.1);
  const found = softmax(blendedProbabilities(now, before, 0.3));
  const [own, rest] = [softmax(now), softmax(first)];
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(0.3 * own[i] + 0.7 * rest[i], 6);
});

test("of a first image, and with all of the share, the probabilities are its own", () => {
  const now = logits(3);
  const own = softmax(now);
  const before = blendedProbabilities(logits(4), undefined, 0.5);
  for (const blended of [blendedProbabilities(now, undefined, 0.5), blendedProbabilities(now, before, 1)])
    for (const [i, value] of softmax(blended).entries()) expect(value).toBeCloseTo(own[i], 6);
});

test("the same again and again stays the same, however far apart its logits are", () => {
  const now = logits(5, 40);
  const first = blendedProbabilities(now, undefined, 0.2);
  let last = first;
  for (let i = 0; i < 20; i++) last = blendedProbabilities(now, last, 0.2);
  for (const [i, value] of last.data.entries()) {
    expect(Number.isFinite(value)).toBe(true);
    expect(Math.abs(value - first.data[i])).toBeLessThan(1e-4 * (1 + Math.abs(value)));
  }
});
