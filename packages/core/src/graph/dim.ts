import { PspnetError } from "../error.js";

/**
 * A size in a graph: a number, or floor((symbol + offset) / divisor) * factor + rest of a size that is known when the graph runs.
 * With factor 1 (and rest 0) that form is closed under convolutions and pools of any kernel, stride, padding and rounding; beyond that
 * under enlargement, and strides that divide the factor.
 */
export type Dim = number | SymbolicDim;

export interface SymbolicDim {
  readonly symbol: string;
  readonly offset: number;
  readonly divisor: number;
  readonly factor: number;
  readonly rest: number;
}

/** A size that is known when the graph runs. */
export const symbol = (name: string): SymbolicDim => ({ symbol: name, offset: 0, divisor: 1, factor: 1, rest: 0 });

/**
 * floor((dim + offset) / divisor)
 * @throws PspnetError "usage" for a size that was multiplied, and not by a multiple of the divisor.
 */
export function floorDiv(dim: Dim, { offset, divisor }: { readonly offset: number; readonly divisor: number }): Dim {
  if (typeof dim === "number") return Math.floor((dim + offset) / divisor);
  if (dim.factor === 1) {
    // floor((floor((s + a) / b) + c) / d) = floor((s + a + b c) / (b d)) for whole numbers.
    return { ...dim, offset: dim.offset + dim.divisor * offset, divisor: dim.divisor * divisor };
  }
  const factor = dim.factor / divisor;
  if (!Number.isInteger(factor)) {
    const expected = `a size that ${divisor} divides, or one that was not enlarged`;
    throw new PspnetError("usage", `graph: expected ${expected}, found ${formatDim(dim)}; give numbers as sizes`);
  }
  const rest = Math.floor((dim.rest + offset) / divisor);
  if (factor > 1) return { ...dim, factor, rest };
  return { ...dim, offset: dim.offset + dim.divisor * rest, factor, rest: 0 };
}

/** dim * factor */
export function multiple(dim: Dim, factor: number): Dim {
  if (typeof dim === "number") return dim * factor;
  return { ...dim, factor: dim.factor * factor, rest: dim.rest * factor };
}

export function sameDim(a: Dim, b: Dim): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  return (["symbol", "offset", "divisor", "factor", "rest"] as const).every((part) => a[part] === b[part]);
}

/** `h`, `h + 7`, `(h + 7) / 8` (rounded down), `2 ((h + 7) / 8) - 1` or the number. */
export function formatDim(dim: Dim): string {
  if (typeof dim === "number") return String(dim);
  const { symbol, offset, divisor, factor, rest } = dim;
  const grouped = (text: string) => (text === symbol ? text : `(${text})`);
  const plus = (text: string, number: number) =>
    number === 0 ? text : `${text} ${number < 0 ? "-" : "+"} ${Math.abs(number)}`;
  const sum = plus(symbol, offset);
  const quotient = divisor === 1 ? sum : `${grouped(sum)} / ${divisor}`;
  return plus(factor === 1 ? quotient : `${factor} ${grouped(quotient)}`, rest);
}
