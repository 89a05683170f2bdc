import { SGD } from "@pspnet/torch";
import { describe, expect, test } from "vitest";
import { cosine, poly, progress, setScheduledRate, warmupShare } from "./schedule.js";

test("poly starts at the base rate and falls to nothing", () => {
  expect(poly(0.01, { progress: 0, power: 0.9 })).toBe(0.01);
  expect(poly(0.01, { progress: 0.5, power: 0.9 })).toBeCloseTo(0.01 * 0.5 ** 0.9, 12);
  expect(poly(0.01, { progress: 1, power: 0.9 })).toBe(0);
});

test("cosine starts at the base rate, is half of it in the middle, and falls to nothing", () => {
  const at = (progress: number) => cosine(0.01, { progress });
  expect(at(0)).toBe(0.01);
  expect(at(0.25)).toBeCloseTo(0.005 * (1 + Math.SQRT1_2), 12);
  expect(at(0.5)).toBeCloseTo(0.005, 12);
  expect(at(1)).toBe(0);
});

test("a warm-up rises by equal parts, and is over at its last step", () => {
  expect([0, 1, 2, 3, 4].map((step) => warmupShare(step, 4))).toEqual([0.25, 0.5, 0.75, 1, 1]);
  expect(warmupShare(0, 0)).toBe(1);
});

test("the rate that is set is the schedule's times the warm-up's, and the head's a multiple of it", () => {
  const groups = [0, 1].map(() => ({ parameters: [], lr: 0 }));
  const optimiser = new SGD({ groups });
  const config = { lr: 0.1, power: 0.9, headLrFactor: 10 };
  const at = { step: 2, total: 10, elapsed: 0, budget: null };
  const set = setScheduledRate(optimiser, at, { ...config, schedule: "cosine", warmup: 6 });
  expect(set).toBeCloseTo(0.5 * 0.05 * (1 + Math.cos(0.2 * Math.PI)), 12);
  expect(optimiser.groups.map(({ lr }) => lr)).toEqual([set, 10 * set]);
  expect(setScheduledRate(optimiser, at, { ...config, schedule: "poly", warmup: 0 })).toBe(0.1 * 0.8 ** 0.9);
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
