import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Dim, floorDiv, formatDim, multiple, sameDim, symbol } from "./dim.js";

/** The number that a size is when its symbol is `value`. */
const at = (dim: Dim, value: number) =>
  typeof dim === "number" ? dim : Math.floor((value + dim.offset) / dim.divisor) * dim.factor + dim.rest;

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

it("and so are enlargements after it, with strides that divide them and padding", () => {
  const divided = { offset: fc.integer({ min: -20, max: 20 }), divisor: fc.constantFrom(1, 2, 3, 6) };
  const before = fc.record(divided);
  const after = fc.record({ ...divided, factor: fc.constantFrom(6, 12) });
  fc.assert(
    fc.property(fc.array(before), fc.array(after), fc.nat(5000), (divisions, enlargements, value) => {
      const all = (start: Dim) =>
        enlargements.reduce<Dim>(
          (dim, { factor, ...division }) => floorDiv(multiple(dim, factor), division),
          divisions.reduce<Dim>(floorDiv, start),
        );
      expect(at(all(symbol("h")), value)).toBe(all(value));
    }),
  );
});

it("a stride that an enlarged size may not be a multiple of is refused", () => {
  expect(() => floorDiv(multiple(symbol("h"), 2), { offset: 1, divisor: 3 })).toThrow(
    "graph: expected a size that 3 divides, or one that was not enlarged, found 2 h; give numbers as sizes",
  );
});

describe("formatDim", () => {
  it.each([
    [7, "7"],
    [symbol("h"), "h"],
    [{ ...symbol("h"), offset: 3 }, "h + 3"],
    [{ ...symbol("w"), offset: -3, divisor: 2 }, "(w - 3) / 2"],
    [{ ...symbol("w"), divisor: 8 }, "w / 8"],
    [{ ...symbol("w"), factor: 2 }, "2 w"],
    [{ ...symbol("w"), offset: 7, divisor: 8, factor: 4, rest: -1 }, "4 ((w + 7) / 8) - 1"],
  ] as const)("%j is %s", (dim, text) => {
    expect(formatDim(dim)).toBe(text);
  });
});

it("sizes are the same only in all their parts", () => {
  expect(sameDim(symbol("h"), symbol("h"))).toBe(true);
  expect(sameDim(symbol("h"), symbol("w"))).toBe(false);
  for (const part of ["offset", "divisor", "factor", "rest"]) {
    expect(sameDim(symbol("h"), { ...symbol("h"), [part]: 3 }), part).toBe(false);
  }
  expect(sameDim(symbol("h"), 5)).toBe(false);
  expect(sameDim(5, 5)).toBe(true);
});
