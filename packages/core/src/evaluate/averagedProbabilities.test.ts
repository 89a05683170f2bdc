import fc from "fast-check";
import { expect, test } from "vitest";
import { SEMSEG } from "../protocols/semseg.js";
import { ALIGN_CORNERS } from "../tensor/alignCorners.js";
import { averagedLabels, averagedProbabilities, type ScaledLogits } from "./averagedProbabilities.js";
import type { WindowLogits } from "./enlargedRows.js";
import { passesOf } from "./tiles.js";

const { rules } = SEMSEG;

const CLASSES = 3;

/** Logits of every window of some passes over an image, value by value. */
function scalesOf(
  size: { readonly height: number; readonly width: number },
  { crop, flip, value }: { readonly crop: number; readonly flip: boolean; readonly value: (i: number) => number },
): ScaledLogits<WindowLogits>[] {
  return passesOf(size, { rules, baseSize: null, scales: [0.5, 1, 1.5], crop }).map(({ grid, ...scaled }) => {
    const shape = [flip ? 2 : 1, CLASSES, 3, 2] as const;
    const length = shape[0] * CLASSES * 6;
    const windows = grid.windows.map(() => ({ shape, data: Float32Array.from({ length }, (_, i) => value(i)) }));
    return { size: scaled, grid, enlarged: { height: crop + 2, width: crop }, windows };
  });
}

const side = fc.integer({ min: 1, max: 20 });
const rule = fc.constantFrom(...ALIGN_CORNERS);

test("every pixel's probabilities sum to 1, and its label has the largest", () => {
  fc.assert(
    fc.property(side, side, side, fc.boolean(), rule, (height, width, crop, flip, alignCorners) => {
      const size = { height, width };
      const scales = scalesOf(size, { crop, flip, value: (i) => ((i * 37) % 101) / 20 });
      const found = averagedProbabilities(scales, { rules, size, alignCorners });
      const labels = averagedLabels(scales, { rules, size, alignCorners });
      return labels.every((label, pixel) => {
        const values = Array.from({ length: CLASSES }, (_, c) => found[c * height * width + pixel]);
        const sum = values.reduce((a, b) => a + b);
        return Math.abs(sum - 1) < 1e-6 && values[label] === Math.max(...values);
      });
    }),
    { numRuns: 50 },
  );
});

test("logits that are the same everywhere give their softmax everywhere", () => {
  const size = { height: 7, width: 9 };
  const logits = [-80, 0.25, 1];
  const scales = scalesOf(size, { crop: 5, flip: true, value: (i) => logits[Math.floor(i / 6) % CLASSES] });
  const total = logits.reduce((sum, value) => sum + Math.exp(value), 0);
  const found = averagedProbabilities(scales, { rules, size, alignCorners: true });
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(Math.exp(logits[Math.floor(i / 63)]) / total, 7);
});

test("a mirror image's logits are mirrored back", () => {
  const size = { height: 1, width: 3 };
  const [grid] = passesOf(size, { rules, baseSize: null, scales: [1], crop: null }).map(({ grid }) => grid);
  const line = [0, 3, -1];
  const data = Float32Array.of(...line, 0, 0, 0, ...line.toReversed(), 0, 0, 0);
  const windows = [{ shape: [2, 2, 1, 3] as const, data }];
  const found = averagedProbabilities([{ size, grid, enlarged: size, windows }], { rules, size, alignCorners: true });
  for (const [i, value] of line.entries()) expect(found[i]).toBeCloseTo(1 / (1 + Math.exp(-value)), 6);
});
