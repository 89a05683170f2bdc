import { expect, test } from "vitest";
import { poly } from "./schedule.js";

test("poly starts at the base rate and falls to nothing", () => {
  expect(poly(0.01, { step: 0, total: 100, power: 0.9 })).toBe(0.01);
  expect(poly(0.01, { step: 50, total: 100, power: 0.9 })).toBeCloseTo(0.01 * 0.5 ** 0.9, 12);
  expect(poly(0.01, { step: 100, total: 100, power: 0.9 })).toBe(0);
});
