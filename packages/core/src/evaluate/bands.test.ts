import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { SEMSEG } from "../protocols/semseg.js";
import { bandsOf } from "./bands.js";
import { passesOf } from "./tiles.js";

const { rules } = SEMSEG;

const scales = fc.array(fc.constantFrom(0.3, 0.5, 0.75, 1, 1.25, 1.75), { minLength: 1, maxLength: 3 });
const size = fc.record({ height: fc.integer({ min: 1, max: 300 }), width: fc.integer({ min: 1, max: 120 }) });
const crop = fc.integer({ min: 9, max: 120 });

describe("bands", () => {
  it("follow each other from the first row to the last", () => {
    fc.assert(
      fc.property(size, scales, crop, (size, scales, crop) => {
        const bands = bandsOf(size, passesOf(size, { rules, scales, crop, baseSize: null }), {
          rules,
          alignCorners: true,
        });
        let next = 0;
        for (const { rows } of bands) {
          expect(rows[0]).toBe(next);
          expect(rows[1]).toBeGreaterThan(rows[0]);
          next = rows[1];
        }
        expect(next).toBe(size.height);
      }),
    );
  });

  it("have every window that a row of them is made of, between rows of the scaled image too, and no other", () => {
    fc.assert(
      fc.property(size, scales, crop, (size, scales, crop) => {
        const passes = passesOf(size, { rules, scales, crop, baseSize: null });
        for (const { rows, windows } of bandsOf(size, passes, { rules, alignCorners: true })) {
          for (const [p, { grid, height }] of passes.entries()) {
            // Rows of the scaled image that half-pixel centres put on either side of an image's row.
            const position = (y: number) => Math.min(Math.max(((y + 0.5) * height) / size.height - 0.5, 0), height - 1);
            const first = Math.floor(position(rows[0]) + 1e-4) + grid.padding.top;
            const last = Math.ceil(position(rows[1] - 1) - 1e-4) + grid.padding.top;
            const expected = [...grid.windows.keys()].filter((i) => {
              const { top } = grid.windows[i];
              return top <= last && top + grid.window.height > first;
            });
            expect(windows[p]).toEqual(expect.arrayContaining(expected));
            // At a whole number rounding may add the windows of a neighbouring row.
            for (const i of windows[p]) {
              const { top } = grid.windows[i];
              expect(top <= last + 1 && top + grid.window.height > first - 1).toBe(true);
            }
          }
        }
      }),
    );
  });

  it("need each window in neighbouring bands alone, and few at once however high the image is", () => {
    const high = { height: 5000, width: 400 };
    const passes = passesOf(high, { rules, scales: [1], crop: 100, baseSize: null });
    const bands = bandsOf(high, passes, { rules, alignCorners: true });
    for (const i of passes[0].grid.windows.keys()) {
      const at = [...bands.keys()].filter((b) => bands[b].windows[0].includes(i));
      expect(at).toEqual(Array.from({ length: at.length }, (_, k) => at[0] + k));
    }
    const columns = new Set(passes[0].grid.windows.map(({ left }) => left)).size;
    expect(Math.max(...bands.map(({ windows }) => windows[0].length))).toBeLessThanOrEqual(3 * columns);
  });
});
