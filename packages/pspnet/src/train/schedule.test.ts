import { describe, expect, test } from "vitest";
import { poly, progress } from "./schedule.js";

test("poly starts at the base rate and falls to nothing", () => {
  expect(poly(0.01, { progress: 0, power: 0.9 })).toBe(0.01);
  expect(poly(0.01, { progress: 0.5, power: 0.9 })).toBeCloseTo(0.01 * 0.5 ** 0.9, 12);
  expect(poly(0.01, { progress: 1, power: 0.9 })).toBe(0);
});

describe("progress", () => {
  const extent = { step: 25, total: 100, elapsed: 30, budget: 60 };

  test("is the larger share, of the steps or of the budget", () => {
    expect(progress(extent)).toBe(0.5);
    expect(progress({ ...extent, step: 75 })).toBe(0.75);
  });

  test("is that of the steps alone without a budget, to the last bit", () => {
    for (let step = 0; step <= 997; step++)
      expect(progress({ step, total: 997, elapsed: 1e9, budget: null })).toBe(step / 997);
  });

  test("ends at 1 however late it is", () => {
    expect(progress({ ...extent, elapsed: 61 })).toBe(1);
    expect(poly(0.01, { progress: progress({ ...extent, elapsed: 1e9 }), power: 0.9 })).toBe(0);
  });
});
