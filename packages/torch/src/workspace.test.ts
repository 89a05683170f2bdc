import fc from "fast-check";
import { expect, test } from "vitest";
import { native } from "./binding.js";

const PAGE = 4096;

/** Lifetimes as a plan makes them: each takes its memory at an event of its own and frees it at a later one. */
const lifetimes = fc
  .array(fc.record({ size: fc.integer({ min: 1, max: 50 * PAGE }), life: fc.integer({ min: 1, max: 9 }) }), {
    maxLength: 40,
  })
  .map((drawn) => drawn.map(({ size, life }, i) => ({ size, taken: 20 * i, freed: 20 * (i + life) - 19 + life })));

test("memory that is in use at the same time never overlaps, and the block is no larger than all of it", () => {
  fc.assert(
    fc.property(lifetimes, (all) => {
      const given = [all.map(({ size }) => size), all.map(({ taken }) => taken), all.map(({ freed }) => freed)];
      const offsets = native().layOut(...given) as number[];
      const total = offsets.pop()!;
      const placed = all.map((one, i) => ({ ...one, begin: offsets[i], end: offsets[i] + one.size }));
      for (const [i, a] of placed.entries()) {
        expect(a.begin % PAGE).toBe(0);
        expect(a.end).toBeLessThanOrEqual(total);
        for (const b of placed.slice(i + 1)) {
          const together = a.taken < b.freed && b.taken < a.freed;
          if (together) expect(a.end <= b.begin || b.end <= a.begin).toBe(true);
        }
      }
      expect(total).toBeLessThanOrEqual(all.reduce((sum, { size }) => sum + Math.ceil(size / PAGE) * PAGE, 0));
    }),
  );
});

test("one after the other they share one place", () => {
  const found = native().layOut([5 * PAGE, 3 * PAGE, 4 * PAGE], [0, 2, 4], [1, 3, 5]);
  expect(found).toEqual([0, 0, 0, 5 * PAGE]);
});
