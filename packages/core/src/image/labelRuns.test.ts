import { describe, expect, it } from "vitest";
import { labelRuns, labelsOfRuns } from "./labelRuns.js";

const labels = { width: 4, height: 2, data: Uint8Array.from([3, 3, 3, 0, 0, 0, 255, 3]) };

describe("label runs", () => {
  it("go over the ends of rows and back", () => {
    const runs = [3, 3, 0, 3, 255, 1, 3, 1];
    expect(labelRuns(labels)).toEqual(runs);
    expect(labelsOfRuns(runs, labels)).toEqual(labels);
  });

  it.each([
    [[3, 3, 0, 3, 255, 1], "expected 8 pixels for 2x4, found 7"],
    [[3, 9], "found 3, 9 at 0 of 8"],
    [[3, 3, 256, 5], "found 256, 5 at 3"],
    [[3], "found 3, undefined"],
    [[3, 0], "found 3, 0"],
    [[1.5, 8], "found 1.5, 8"],
  ])("%j are refused", (runs, message) => {
    expect(() => labelsOfRuns(runs, labels)).toThrow(message);
  });
});
