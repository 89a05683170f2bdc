import { expect, test } from "vitest";
import { mapsOfLogits, requireMemory } from "./memory.js";

test("what fits is not refused", () => {
  const image = { width: 100, height: 50 };
  expect(() => requireMemory({ image, need: 1e9, available: 1e9 })).not.toThrow();
  expect(() => requireMemory({ image, need: 1e9 + 1, available: 1e9 })).toThrow("50x100");
  expect(mapsOfLogits(2, { ...image, classes: 3 })).toBe(2 * 3 * 100 * 50 * 4);
});
