import { expect, test } from "vitest";
import { differenceOf, spreadOf } from "./statistics.js";

test("mean and sample standard deviation, as worked out by hand", () => {
  expect(spreadOf([])).toBeNull();
  expect(spreadOf([0.5])).toEqual({ count: 1, mean: 0.5, deviation: null });
  // Deviations from 4 are -2, -1, 3: squares 4 + 1 + 9 = 14, over 2.
  expect(spreadOf([2, 3, 7])).toEqual({ count: 3, mean: 4, deviation: Math.sqrt(7) });
});

test("a difference of means and its standard error, as worked out by hand", () => {
  const above = spreadOf([2, 3, 7])!;
  const below = spreadOf([0, 2])!; // mean 1, deviation sqrt(2)
  // 7 / 3 + 2 / 2 = 10 / 3.
  expect(differenceOf(above, below)).toEqual({ value: 3, error: Math.sqrt(7 / 3 + 1) });
  expect(differenceOf(above, spreadOf([1])!)).toEqual({ value: 3, error: null });
});
