import fc from "fast-check";
import { expect, test } from "vitest";
import { IGNORE, type LabelMap } from "../image/image.js";
import { BOUNDARY_SHARE, BoundaryIoU, contourBand } from "./boundary.js";

const side = fc.integer({ min: 1, max: 24 });
const CLASSES = 3;

/** Blocks, so that there is something within contours. */
function map(width: number, height: number, { block, seed }: { block: number; seed: number }): LabelMap {
  const label = (x: number, y: number) => (Math.floor(x / block) * 7 + Math.floor(y / block) * 13 + seed * 5) % 4;
  const ids = [0, 1, 2, IGNORE];
  const data = Uint8Array.from({ length: width * height }, (_, i) => ids[label(i % width, Math.floor(i / width))]);
  return { width, height, data };
}

/** Pixel by pixel: whether the square around it has another label or lies in part outside. */
function bandOf({ width, height, data }: LabelMap, reach: number): number[] {
  return [...data].map((label, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    for (let v = y - reach; v <= y + reach; v++)
      for (let u = x - reach; u <= x + reach; u++)
        if (u < 0 || v < 0 || u >= width || v >= height || data[v * width + u] !== label) return 1;
    return 0;
  });
}

test("the band has every pixel whose square has another label or an end of the image", () => {
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 4 }), (w, h, block, reach) => {
      const labels = map(w, h, { block, seed: 1 });
      expect([...contourBand(labels, reach)]).toEqual(bandOf(labels, reach));
    }),
  );
});

test("Boundary IoU is that of each class's mask less its erosion, as the paper's", () => {
  fc.assert(
    fc.property(side, side, fc.integer({ min: 3, max: 12 }), (width, height, block) => {
      const truth = map(width, height, { block, seed: 1 });
      const prediction = map(width, height, { block: block + 1, seed: 1 });
      prediction.data.forEach((id, i) => {
        prediction.data[i] = id === IGNORE ? 0 : id;
      });
      const found = new BoundaryIoU(CLASSES).add(prediction, truth).scores();
      const reach = Math.max(1, Math.round(BOUNDARY_SHARE * Math.hypot(width, height)));
      for (let id = 0; id < CLASSES; id++) {
        // A class's own mask, of what counts, eroded.
        const mask = (labels: LabelMap): LabelMap => ({
          ...labels,
          data: labels.data.map((label, i) => (label === id && truth.data[i] !== IGNORE ? 1 : 0)),
        });
        const edge = (labels: LabelMap) => bandOf(mask(labels), reach).map((one, i) => one && mask(labels).data[i]);
        const [a, b] = [edge(truth), edge(prediction)];
        const union = a.filter((one, i) => one || b[i]).length;
        const expected = union > 0 ? a.filter((one, i) => one && b[i]).length / union : null;
        if (expected === null) expect(found[id]).toBeNull();
        else expect(found[id]).toBeCloseTo(expected, 12);
      }
    }),
  );
});

test("a prediction that is the truth has 1, one pixel aside has less than its plain IoU", () => {
  const square = (at: number): LabelMap => ({
    width: 100,
    height: 100,
    data: Uint8Array.from({ length: 10_000 }, (_, i) =>
      Number(i % 100 >= at && i % 100 < at + 50 && i > 2000 && i < 8000),
    ),
  });
  expect(new BoundaryIoU(2).add(square(20), square(20)).scores()).toEqual([1, 1]);
  const [, score] = new BoundaryIoU(2).add(square(21), square(20)).scores();
  expect(score).toBeGreaterThan(0.3);
  expect(score).toBeLessThan(49 / 51);
});
