import { toFloat32 } from "@pspnet/checkpoints";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { symbol } from "../graph/dim.js";
import { ALIGN_CORNERS } from "../tensor/alignCorners.js";
import { enlargeMatrix } from "../tensor/enlargeMatrix.js";
import { LoweringContext, type Side } from "./context.js";
import { averaging, cellBorders, enlargement, tapMatrix } from "./matrices.js";

interface Value {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}

const FUNCTIONS: Readonly<Record<string, (...values: readonly number[]) => number>> = {
  Add: (a, b) => a + b,
  Sub: (a, b) => a - b,
  Mul: (a, b) => a * b,
  Div: (a, b) => a / b,
  Min: Math.min,
  Max: Math.max,
  Abs: Math.abs,
  Floor: Math.floor,
  Relu: (a) => Math.max(a, 0),
  Clip: (a, low, high) => Math.min(Math.max(a, low), high),
  Cast: (a) => a,
};

const count = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** NumPy's broadcasting, each result rounded to float32 as a runtime does. */
function elementwise(operator: string, inputs: readonly Value[], functions: typeof FUNCTIONS): Value {
  const rank = Math.max(...inputs.map(({ shape }) => shape.length));
  const aligned = inputs.map(({ shape, data }) => ({ shape: [...Array(rank - shape.length).fill(1), ...shape], data }));
  const shape = Array.from({ length: rank }, (_, dim) => Math.max(...aligned.map((value) => value.shape[dim])));
  const data = Array.from({ length: count(shape) }, (_, i) => {
    const place = shape.map((size, dim) => Math.floor(i / count(shape.slice(dim + 1))) % size);
    const element = ({ shape, data }: Value) =>
      data[shape.reduce((index, size, dim) => index * size + (size === 1 ? 0 : place[dim]), 0)];
    return Math.fround(functions[operator](...aligned.map(element)));
  });
  return { shape, data };
}

/** The matrix that a context's nodes compute when the named sizes have these values. */
function evaluate(
  { builder }: LoweringContext,
  output: string,
  sizes: Readonly<Record<string, number>>,
  functions = FUNCTIONS,
): Value {
  const values = new Map<string, Value>();
  for (const [name, size] of Object.entries(sizes)) values.set(name, { shape: [], data: [size] });
  for (const { name, dtype, shape, bytes } of builder.tensors) {
    const integers = () => [...new BigInt64Array(bytes.slice().buffer)].map(Number);
    values.set(name, { shape, data: dtype === "int64" ? integers() : [...toFloat32(bytes, "float32")] });
  }
  for (const node of builder.nodes) {
    if (values.has(node.output) || node.operator === "Shape" || node.operator === "Gather") continue;
    const inputs = node.inputs.map((input) => values.get(input));
    // What reads the image's shape stands before the sizes that are given here.
    if (inputs.includes(undefined)) continue;
    values.set(node.output, computed(node.operator, inputs as Value[], functions));
  }
  return values.get(output)!;
}

function computed(operator: string, inputs: readonly Value[], functions: typeof FUNCTIONS): Value {
  if (operator === "Range") {
    const [start, end] = inputs.map(({ data }) => data[0]);
    return { shape: [end - start], data: Array.from({ length: end - start }, (_, i) => start + i) };
  }
  if (operator !== "Reshape") return elementwise(operator, inputs, functions);
  const [{ data }, { data: wanted }] = inputs;
  const rest = data.length / count(wanted.filter((size) => size !== -1));
  return { shape: wanted.map((size) => (size === -1 ? rest : size)), data };
}

/** A context whose input `x` is as large as the image. */
const contextOf = () => {
  const x = { name: "x", shape: [1, 1, symbol("h"), symbol("w")] };
  return new LoweringContext(
    { inputs: [x], initialisers: new Map(), nodes: [], outputs: new Map() },
    { dtype: "float32" },
  );
};

const transpose = (data: ArrayLike<number>, [rows, columns]: readonly [number, number]) =>
  Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);

function expectClose({ shape, data }: Value, expected: ArrayLike<number>, of: readonly number[], within = 2 ** -24) {
  expect(shape).toEqual(of);
  expect(data).toHaveLength(expected.length);
  for (const [i, value] of data.entries()) expect(Math.abs(value - expected[i])).toBeLessThanOrEqual(within);
}

/** Each test with the matrix as a constant and as nodes. */
describe.each([
  ["constant", false],
  ["computed from the image", true],
])("%s", (_name, open) => {
  const sides = { size: fc.integer({ min: 1, max: 90 }), bins: fc.integer({ min: 1, max: 12 }) };
  const flags = { alignCorners: fc.constantFrom(...ALIGN_CORNERS), transposed: fc.boolean() };
  const sideOf = (context: LoweringContext, dim: number, size: number): Side => (open ? context.side("x", dim) : size);

  it("the matrix of taps is enlargeMatrix", () => {
    const taps = fc.constantFrom(1, 3, 5);
    fc.assert(
      fc.property(fc.record({ ...sides, ...flags, taps }), ({ size, bins, taps, alignCorners }) => {
        const context = contextOf();
        const options = { bins, taps, alignCorners, dtype: "float32", output: "u" } as const;
        tapMatrix(context, sideOf(context, 2, size), options);
        const found = evaluate(context, "u", { "x.size_2": size });
        expectClose(found, enlargeMatrix(size, { bins, taps, alignCorners }), [1, size, taps * bins]);
      }),
    );
  });

  it("the enlargement is enlargeMatrix, from any size to any", () => {
    fc.assert(
      fc.property(fc.record({ ...sides, ...flags }), ({ size, bins, alignCorners, transposed }) => {
        const context = contextOf();
        const from = sideOf(context, 3, bins);
        const options = { bins: from, alignCorners, transposed, dtype: "float32", output: "u" } as const;
        enlargement(context, sideOf(context, 2, size), options);
        const found = evaluate(context, "u", { "x.size_2": size, "x.size_3": bins });
        const expected = enlargeMatrix(size, { bins, taps: 1, alignCorners });
        const shape = [size, bins] as const;
        if (transposed) expectClose(found, transpose(expected, shape), [bins, size]);
        else expectClose(found, expected, shape);
      }),
    );
  });

  it("of which the first positions alone are made when no more are shown", () => {
    const shown = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.record({ ...sides, ...flags, shown }), ({ size, bins, alignCorners, transposed, shown }) => {
        const context = contextOf();
        const count = Math.max(1, Math.round(shown * size));
        const [from, part] = open ? ([context.side("x", 3), "shown"] as const) : ([bins, count] as const);
        const options = { bins: from, shown: part, alignCorners, transposed, dtype: "float32", output: "u" } as const;
        enlargement(context, sideOf(context, 2, size), options);
        const found = evaluate(context, "u", { "x.size_2": size, "x.size_3": bins, shown: count });
        const expected = enlargeMatrix(size, { bins, taps: 1, alignCorners }).subarray(0, count * bins);
        const shape = [count, bins] as const;
        if (transposed) expectClose(found, transpose(expected, shape), [bins, count]);
        else expectClose(found, expected, shape);
      }),
    );
  });

  it("the mean has PyTorch's cells", () => {
    fc.assert(
      fc.property(fc.record({ ...sides, ...flags }), ({ size, bins, transposed }) => {
        const context = contextOf();
        averaging(context, sideOf(context, 2, size), { bins, transposed, dtype: "float32", output: "p" });
        const found = evaluate(context, "p", { "x.size_2": size });
        // aten/src/ATen/native/AdaptivePooling.h: start and end of a cell in whole numbers.
        const expected = Array.from({ length: bins * size }, (_, i) => {
          const [cell, place] = [Math.floor(i / size), i % size];
          const begin = Math.trunc((cell * size) / bins);
          const end = 1 + Math.trunc(((cell + 1) * size - 1) / bins);
          return place >= begin && place < end ? 1 / (end - begin) : 0;
        });
        const shape = [bins, size] as const;
        if (transposed) expectClose(found, transpose(expected, shape), [size, bins]);
        else expectClose(found, expected, shape);
      }),
    );
  });
});

it.each([
  ["above", 1 + 2 ** -22],
  ["below", 1 - 2 ** -22],
])("the mean has the same cells where a runtime's quotients are a little %s", (_name, off) => {
  for (const bins of [1, 2, 3, 6]) {
    for (const size of [1, 2, 6, 21, 60, 90, 180]) {
      const context = contextOf();
      averaging(context, context.side("x", 2), { bins, transposed: false, dtype: "float32", output: "p" });
      const functions = { ...FUNCTIONS, Div: (a: number, b: number) => (a / b) * off };
      const found = evaluate(context, "p", { "x.size_2": size }, functions);
      const expected = Array.from({ length: bins * size }, (_, i) => {
        const { begin, end } = cellBorders(Math.floor(i / size), { size, bins });
        return i % size >= begin && i % size < end ? 1 / (end - begin) : 0;
      });
      expectClose(found, expected, [bins, size], 2 ** -20);
    }
  }
});

it("cells of an adaptive pool cover everything, and overlap where they must", () => {
  const cells = (size: number, bins: number) =>
    Array.from({ length: bins }, (_, cell) => Object.values(cellBorders(cell, { size, bins })));
  expect(cells(7, 3)).toEqual([
    [0, 3],
    [2, 5],
    [4, 7],
  ]);
  expect(cells(2, 3)).toEqual([
    [0, 1],
    [0, 2],
    [1, 2],
  ]);
});
