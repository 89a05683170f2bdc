import fc from "fast-check";
import { expect, test } from "vitest";
import { bilinearAxis } from "./bilinearAxis.js";
import type { InterpolateOptions } from "./tensor.js";

/** Values along a side, resized. */
function resized(values: readonly number[], target: number, options: InterpolateOptions): number[] {
  const { below, fraction } = bilinearAxis(values.length, target, options);
  const valueAt = (i: number) => values[Math.min(i, values.length - 1)];
  return Array.from(below, (at, i) => valueAt(at) + fraction[i] * (valueAt(at + 1) - valueAt(at)));
}

function expectClose(found: readonly number[], expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i], 12);
}

test("each rule has its places", () => {
  expectClose(resized([0, 1, 2], 6, { alignCorners: true }), [0, 0.4, 0.8, 1.2, 1.6, 2]);
  expectClose(resized([0, 1, 2], 6, { alignCorners: false }), [0, 0.25, 0.75, 1.25, 1.75, 2]);
  expectClose(resized([0, 1, 2], 6, { alignCorners: "asymmetric" }), [0, 0.5, 1, 1.5, 2, 2]);
  expectClose(resized([0, 1, 2, 3], 3, { alignCorners: "asymmetric" }), [0, 4 / 3, 8 / 3]);
});

test("asymmetric enlargement by a whole factor is that of aligned corners with the last value once more", () => {
  const values = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 1, maxLength: 9 });
  fc.assert(
    fc.property(values, fc.integer({ min: 1, max: 8 }), (some, factor) => {
      const target = factor * some.length;
      const aligned = resized([...some, some.at(-1)!], target + 1, { alignCorners: true });
      expectClose(resized(some, target, { alignCorners: "asymmetric" }), aligned.slice(0, -1));
    }),
  );
});
