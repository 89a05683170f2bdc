import fc from "fast-check";
import { expect, test } from "vitest";
import { ALIGN_CORNERS, type AlignCorners } from "../tensor/alignCorners.js";
import { bilinearAxis } from "../tensor/bilinearAxis.js";
import { enlargedLabels } from "./enlargedLabels.js";
import { enlargedLogits } from "./enlargedLogits.js";

const CLASSES = 3;
const side = fc.integer({ min: 1, max: 6 });
const rule = fc.constantFrom(...ALIGN_CORNERS);

/** A value of the map [h, w] enlarged to `enlarged`, from its four neighbours. */
function valueAt(
  map: Float32Array,
  [h, w]: readonly [number, number],
  { y, x, enlarged, alignCorners }: { y: number; x: number; enlarged: number; alignCorners: AlignCorners },
): number {
  const down = bilinearAxis(h, enlarged, { alignCorners });
  const across = bilinearAxis(w, enlarged, { alignCorners });
  const at = (row: number, column: number) => map[Math.min(row, h - 1) * w + Math.min(column, w - 1)];
  const [top, left] = [down.below[y], across.below[x]];
  const blend = (a: number, b: number, share: number) => a + share * (b - a);
  const above = blend(at(top, left), at(top, left + 1), across.fraction[x]);
  const below = blend(at(top + 1, left), at(top + 1, left + 1), across.fraction[x]);
  return blend(above, below, down.fraction[y]);
}

test("logits are blended from their neighbours, and cut to the image; labels are the first of the largest", () => {
  fc.assert(
    fc.property(side, side, side, side, rule, fc.infiniteStream(fc.integer({ min: -4, max: 4 })), (...all) => {
      const [h, w, height, width, alignCorners, values] = all;
      const data = Float32Array.from({ length: CLASSES * h * w }, () => values.next().value);
      const enlarged = 8;
      const whole = [{ enlarged: { height: 8, width: 8 }, windows: [{ shape: [1, CLASSES, h, w] as const, data }] }];
      const options = { size: { height, width }, alignCorners };
      const logits = enlargedLogits(whole, options);
      const labels = enlargedLabels(whole, options);
      const plane = height * width;
      for (let i = 0; i < plane; i++) {
        const [y, x] = [Math.floor(i / width), i % width];
        for (let c = 0; c < CLASSES; c++) {
          const map = data.subarray(c * h * w, (c + 1) * h * w);
          expect(logits[c * plane + i]).toBeCloseTo(valueAt(map, [h, w], { y, x, enlarged, alignCorners }), 5);
        }
        const scores = Array.from({ length: CLASSES }, (_, c) => logits[c * plane + i]);
        expect(scores[labels[i]]).toBeCloseTo(Math.max(...scores), 5);
      }
      const last = { ...options, rows: [height - 1, height] as const };
      expect(enlargedLabels(whole, last)).toEqual(labels.subarray(plane - width));
    }),
  );
});

test("of equals the first is taken", () => {
  const window = { shape: [1, CLASSES, 1, 1] as const, data: Float32Array.of(1, 2, 2) };
  const size = { height: 1, width: 2 };
  const found = enlargedLabels([{ enlarged: size, windows: [window] }], { size, alignCorners: true });
  expect(found).toEqual(Uint8Array.of(1, 1));
});
