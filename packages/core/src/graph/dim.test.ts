import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Dim, floorDiv, formatDim, sameDim, symbol } from "./dim.js";

/** The number that a size is when its symbol is `value`. */
const at = (dim: Dim, value: number) =>
  typeof dim === "number" ? dim : Math.floor((value + dim.offset) / dim.divisor);

it("a chain of divisions of a symbol is the chain of divisions of its number", () => {
  const step = fc.record({ offset: fc.integer({ min: -20, max: 20 }), divisor: fc.integer({ min: 1, max: 5 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 6 }), fc.integer({ min: 0, max: 5000 }), (steps, value) => {
      const symbolic = steps.reduce<Dim>(floorDiv, symbol("h"));
      const numeric = steps.reduce<Dim>(floorDiv, value);
      expect(at(symbolic, value)).toBe(numeric);
    }),
  );
});

describe("formatDim", () => {
  it.each([
    [7, "7"],
    [symbol("h"), "h"],
    [{ symbol: "h", offset: 3, divisor: 1 }, "h + 3"],
    [{ symbol: "w", offset: -3, divisor: 2 }, "(w - 3) / 2"],
    [{ symbol: "w", offset: 0, divisor: 8 }, "w / 8"],
  ] as const)("%j is %s", (dim, text) => {
    expect(formatDim(dim)).toBe(text);
  });
});

it("sizes are the same only in all their parts", () => {
  expect(sameDim(symbol("h"), symbol("h"))).toBe(true);
  expect(sameDim(symbol("h"), symbol("w"))).toBe(false);
  expect(sameDim(symbol("h"), { symbol: "h", offset: 1, divisor: 1 })).toBe(false);
  expect(sameDim(symbol("h"), { symbol: "h", offset: 0, divisor: 2 })).toBe(false);
  expect(sameDim(symbol("h"), 5)).toBe(false);
  expect(sameDim(5, 5)).toBe(true);
});
