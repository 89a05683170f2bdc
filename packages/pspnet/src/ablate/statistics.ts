/** Of some seeds. */
export interface Spread {
  readonly count: number;
  readonly mean: number;
  /** Sample standard deviation (n - 1); null of a single one. */
  readonly deviation: number | null;
}

/** Null of nothing. */
export function spreadOf(values: readonly number[]): Spread | null {
  const count = values.length;
  if (count === 0) return null;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  if (count === 1) return { count, mean, deviation: null };
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { count, mean, deviation: Math.sqrt(squares / (count - 1)) };
}

/** How far one mean lies above another, and the standard error of that; null where a spread is not known. */
export interface Difference {
  readonly value: number;
  readonly error: number | null;
}

export function differenceOf(above: Spread, below: Spread): Difference {
  const value = above.mean - below.mean;
  if (above.deviation === null || below.deviation === null) return { value, error: null };
  return { value, error: Math.sqrt(above.deviation ** 2 / above.count + below.deviation ** 2 / below.count) };
}
