import { describe, expect, it } from "vitest";
import { HISTOGRAM_BINS } from "../graph/graph.js";
import { Histogram } from "./histogram.js";

/** What the plan's operator gives of these numbers. */
function counted(width: number, numbers: readonly number[]): Float32Array {
  const found = new Float32Array(1 + 2 * HISTOGRAM_BINS);
  found[0] = width;
  for (const number of numbers) found[1 + HISTOGRAM_BINS + Math.floor(number / width)]++;
  return found;
}

function histogramOf(...parts: readonly Float32Array[]): Histogram {
  const histogram = new Histogram();
  for (const part of parts) histogram.add("layer", part);
  return histogram;
}

const every = (percent: number) => ({ kind: "percentile", percent }) as const;

describe("the range of a value's numbers", () => {
  it("holds them all, to the end of the last bin", () => {
    expect(histogramOf(counted(0.5, [0.7, 3.2, 1])).range(every(100))).toEqual([0, 3.5]);
    expect(histogramOf(counted(0.5, [-1.2, 3.2])).range(every(100))).toEqual([-1.5, 3.5]);
  });

  it("leaves out the share beyond a percentile, on one side or half of it on each", () => {
    const many = Array.from({ length: 999 }, (_, i) => 1 + (i % 2));
    expect(histogramOf(counted(1, [...many, 500])).range(every(99.85))).toEqual([0, 3]);
    expect(histogramOf(counted(1, [...many, 500])).range(every(99.95))).toEqual([0, 501]);
    expect(histogramOf(counted(1, [...many.slice(1), -300, 500])).range(every(99.75))).toEqual([0, 3]);
  });

  it("is of all images, however wide the bins of each are", () => {
    const [narrow, wide] = [counted(0.25, [0.3, 0.3]), counted(2, [-5, 9])];
    for (const order of [
      [narrow, wide],
      [wide, narrow],
    ])
      expect(histogramOf(...order).range(every(100))).toEqual([-6, 10]);
    expect(histogramOf(narrow, new Float32Array(1 + 2 * HISTOGRAM_BINS)).range(every(100))).toEqual([0, 0.5]);
  });

  it("by entropy gives up rare large numbers for finer steps of the others", () => {
    const bell = Array.from({ length: 20_000 }, (_, i) => Math.abs(30 * Math.sqrt(-2 * Math.log((i + 1) / 20_001))));
    const [low, high] = histogramOf(counted(0.25, [...bell, 255])).range({ kind: "entropy" });
    expect(low).toBe(0);
    expect(high).toBeGreaterThan(60);
    expect(high).toBeLessThan(200);
  });

  it("of a value that is always 0 is one that can be used", () => {
    for (const calibration of [every(99), { kind: "entropy" }] as const)
      expect(new Histogram().range(calibration)).toEqual([0, 1]);
  });

  it("is refused where numbers are not finite", () => {
    expect(() => histogramOf(counted(Number.NaN, []))).toThrow(/^layer: expected finite numbers/);
  });
});
