import { describe, expect, test } from "vitest";
import { hasFrozenStatistics, isFrozen } from "./frozen.js";

const PATHS = ["layer0.0.weight", "layer1.0.conv1.weight", "layer4.2.bn3", "ppm.features.0.2", "cls.1", "aux.1"];

describe("what is frozen", () => {
  test.each([
    ["none", []],
    [0, [0]],
    [1, [0, 1]],
    [4, [0, 1, 2]],
    ["backbone", [0, 1, 2]],
  ] as const)("with freeze=%s", (freeze, places) => {
    expect(PATHS.filter((path) => isFrozen(path, { freeze }))).toEqual(places.map((i) => PATHS[i]));
  });

  test.each([
    [false, "none", 0],
    [true, "none", 6],
    ["backbone", "none", 3],
    [false, 1, 2],
  ] as const)("of batch norm with freezeBn=%s and freeze=%s", (freezeBn, freeze, count) => {
    expect(PATHS.filter((path) => hasFrozenStatistics(path, { freeze, freezeBn }))).toHaveLength(count);
  });
});
