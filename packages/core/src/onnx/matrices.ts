/**
 * Pooling and enlarging as matrices, which hold for every size and on every runtime. A matrix whose sizes are known is a
 * constant; another is computed inside the model from the sizes that the image has, by whole numbers in float32 and one division:
 * exact while size * bins stays below 2^23, which is images of up to 8,000 pixels a side, and within rounding beyond.
 */

import type { AlignCorners } from "../tensor/alignCorners.js";
import { enlargeMatrix } from "../tensor/enlargeMatrix.js";
import type { EnlargeMatrixOptions } from "../tensor/tensor.js";
import type { FloatType } from "../weights/elements.js";
import { type Arithmetic, arithmetic } from "./arithmetic.js";
import type { LoweringContext, Side } from "./context.js";

interface Result {
  /** Name of the matrix. */
  readonly output: string;
  readonly dtype: FloatType;
}

/** {@link enlargeMatrix} as a batch of one: `[1, size, taps * bins]`. */
export function tapMatrix(context: LoweringContext, size: Side, options: EnlargeMatrixOptions & Result): string {
  const { bins, taps, output, dtype } = options;
  const { builder } = context;
  if (typeof size === "number") {
    const data = Float32Array.from(enlargeMatrix(size, options));
    return builder.floats(output, data, { shape: [1, size, taps * bins], dtype });
  }
  const { math, range } = arithmetic(context, output);
  const offsets = Float32Array.from({ length: taps }, (_, tap) => tap - (taps - 1) / 2);
  const steps = builder.floats(`${output}.taps`, offsets, { shape: [taps, 1] });
  const position = math(range(size, [-1, 1, 1]), "+", steps);
  const seen = weights(math, { ...options, position, cells: range(bins, [-1]), size });
  const matrix = builder.cast(
    math(seen, "*", inside(math, position, { begin: 0, end: size })),
    dtype,
    `${output}.cells`,
  );
  return builder.node("Reshape", [matrix, builder.integers([1, -1, taps * bins])], { output });
}

interface EnlargementOptions extends Result {
  readonly bins: Side;
  readonly alignCorners: AlignCorners;
  readonly transposed: boolean;
  /** How many of the positions are wanted, from the first. Left out, all. */
  readonly shown?: Side;
}

/** What enlarges `bins` values to `size`: `[shown, bins]`, transposed `[bins, shown]`. */
export function enlargement(context: LoweringContext, size: Side, options: EnlargementOptions): string {
  const { bins, transposed, alignCorners, output, dtype, shown = size } = options;
  if (typeof size === "number" && typeof bins === "number" && typeof shown === "number") {
    const rows = Float32Array.from(enlargeMatrix(size, { bins, taps: 1, alignCorners }).subarray(0, shown * bins));
    return constantMatrix(context, rows, { ...options, shape: [shown, bins] });
  }
  const { math, range } = arithmetic(context, output);
  const position = range(shown, transposed ? [1, -1] : [-1, 1]);
  const cells = range(bins, transposed ? [-1, 1] : [1, -1]);
  return context.builder.cast(weights(math, { position, cells, size, bins, alignCorners }), dtype, output);
}

interface AverageOptions extends Result {
  readonly bins: number;
  readonly transposed: boolean;
}

/** What takes the mean of `size` values over each of `bins` cells: `[bins, size]`, transposed `[size, bins]`. */
export function averaging(context: LoweringContext, size: Side, options: AverageOptions): string {
  const { bins, transposed, output, dtype } = options;
  if (typeof size === "number") {
    const rows = new Float32Array(bins * size);
    for (let cell = 0; cell < bins; cell++) {
      const { begin, end } = cellBorders(cell, { size, bins });
      rows.fill(1 / (end - begin), cell * size + begin, cell * size + end);
    }
    return constantMatrix(context, rows, { ...options, shape: [bins, size] });
  }
  const { math, range } = arithmetic(context, output);
  const cell = range(bins, transposed ? [1, -1] : [-1, 1]);
  // The quotients are kept off the whole numbers: some runtimes multiply by the reciprocal, which is off by the last bit.
  const begin = math("Floor", math(math(math(cell, "*", size), "+", 0.5), "/", bins));
  const last = math(math(math(cell, "+", 1), "*", size), "+", bins - 0.5);
  const end = math("Floor", math(last, "/", bins));
  const covered = inside(math, range(size, transposed ? [-1, 1] : [1, -1]), { begin, end });
  return context.builder.cast(math(covered, "/", math(end, "-", begin)), dtype, output);
}

/** Cell `cell` of an adaptive pool covers [begin, end), as in PyTorch. */
export function cellBorders(cell: number, { size, bins }: { readonly size: number; readonly bins: number }) {
  return { begin: Math.floor((cell * size) / bins), end: Math.ceil(((cell + 1) * size) / bins) };
}

interface Weights {
  readonly position: string;
  readonly cells: string;
  readonly size: Side;
  readonly bins: Side;
  readonly alignCorners: AlignCorners;
}

/**
 * What the value of each cell weighs at each position. A position's source is `source` / `unit`, in cells; one cell or more away
 * from it a value has no weight: max(0, unit - |source - cell unit|) / unit.
 */
function weights(math: Arithmetic, { position, cells, size, bins, alignCorners }: Weights): string {
  const last = math(bins, "-", 1);
  const { unit, source } = PLACES[`${alignCorners}`](math, { position, size, bins, last });
  const distance = math("Abs", math(source, "-", math(cells, "*", unit)));
  return math(math("Relu", math(unit, "-", distance)), "/", unit);
}

interface Places extends Pick<Weights, "position" | "size" | "bins"> {
  /** The last cell. */
  readonly last: Side;
}

/** By each rule of {@link AlignCorners}, with nothing beyond the last cell. */
const PLACES: Readonly<
  Record<`${AlignCorners}`, (math: Arithmetic, places: Places) => { readonly unit: Side; readonly source: string }>
> = {
  true: (math, { position, size, last }) => ({
    unit: math("Max", math(size, "-", 1), 1),
    source: math(position, "*", last),
  }),
  false(math, { position, size, bins, last }) {
    const unit = math(size, "*", 2);
    // (position + 1/2) bins / size - 1/2, not before the first cell.
    const source = math("Relu", math(math(math(math(position, "*", 2), "+", 1), "*", bins), "-", size));
    return { unit, source: math("Min", source, math(unit, "*", last)) };
  },
  asymmetric: (math, { position, size, bins, last }) => ({
    unit: size,
    source: math("Min", math(position, "*", bins), math(size, "*", last)),
  }),
};

/** 1 where the whole number `position` is in [begin, end), else 0. */
function inside(
  math: Arithmetic,
  position: string,
  { begin, end }: { readonly begin: Side; readonly end: Side },
): string {
  return math("Clip", math("Min", math(math(position, "+", 1), "-", begin), math(end, "-", position)), 0, 1);
}

interface ConstantOptions extends Result {
  readonly shape: readonly [number, number];
  readonly transposed: boolean;
}

function constantMatrix(context: LoweringContext, data: Float32Array, options: ConstantOptions): string {
  const { shape, transposed, output, dtype } = options;
  const { builder } = context;
  const [rows, columns] = shape;
  if (!transposed) return builder.floats(output, data, { shape, dtype });
  const turned = Float32Array.from(data, (_, i) => data[(i % rows) * columns + Math.floor(i / rows)]);
  return builder.floats(output, turned, { shape: [columns, rows], dtype });
}
