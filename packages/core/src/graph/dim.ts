/**
 * A size in a graph: a number, or floor((symbol + offset) / divisor) of a size that is known when the graph runs.
 * That form is closed under convolutions and pools of any kernel, stride, padding and rounding.
 */
export type Dim = number | SymbolicDim;

export interface SymbolicDim {
  readonly symbol: string;
  readonly offset: number;
  readonly divisor: number;
}

/** A size that is known when the graph runs. */
export const symbol = (name: string): SymbolicDim => ({ symbol: name, offset: 0, divisor: 1 });

/** floor((dim + offset) / divisor) */
export function floorDiv(dim: Dim, { offset, divisor }: { readonly offset: number; readonly divisor: number }): Dim {
  if (typeof dim === "number") return Math.floor((dim + offset) / divisor);
  // floor((floor((s + a) / b) + c) / d) = floor((s + a + b c) / (b d)) for whole numbers.
  return { ...dim, offset: dim.offset + dim.divisor * offset, divisor: dim.divisor * divisor };
}

export function sameDim(a: Dim, b: Dim): boolean {
  if (typeof a === "number" || typeof b === "number") return a === b;
  return a.symbol === b.symbol && a.offset === b.offset && a.divisor === b.divisor;
}

/** `h`, `h + 7`, `(h + 7) / 8` (rounded down) or the number. */
export function formatDim(dim: Dim): string {
  if (typeof dim === "number") return String(dim);
  const { symbol, offset, divisor } = dim;
  const sum = offset === 0 ? symbol : `${symbol} ${offset < 0 ? "-" : "+"} ${Math.abs(offset)}`;
  if (divisor === 1) return sum;
  return offset === 0 ? `${sum} / ${divisor}` : `(${sum}) / ${divisor}`;
}
