/** One field of a configuration. Types, defaults, checks, messages and the list of keys all come from here. */
export interface Field<T = unknown> {
  /** What it may be, in words. */
  readonly expected: string;
  readonly meaning: string;
  /** What it is when nothing is said; left out where the kind derives it from other fields. */
  readonly default?: T;
  /** All that it may be, where that is a list. */
  readonly choices?: readonly T[] | undefined;
  /** Whether it changes training alone, and not what a trained network computes. */
  readonly trainingOnly?: boolean;
  holds(value: unknown): boolean;
}

export type Fields = Readonly<Record<string, Field>>;

export type ValuesOf<F extends Fields> = { readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never };

/** What is said of a field beside what it may be. */
type Said<T> = Pick<Field<T>, "meaning" | "default" | "trainingOnly">;

export function count(said: Said<number>): Field<number> {
  return { expected: "a whole number above 0", holds: isCount, ...said };
}

export function counts(said: Said<readonly number[]>): Field<readonly number[]> {
  const holds = (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(isCount);
  return { expected: "a list of whole numbers above 0", holds, ...said };
}

/** What may be left open with null. */
export function optional<T>({ expected, holds, ...field }: Field<T>): Field<T | null> {
  const open = (value: unknown) => value === null || holds(value);
  return { ...field, default: null, expected: `${expected}, or null`, holds: open };
}

export function flag(said: Said<boolean>): Field<boolean> {
  return { expected: "true or false", holds: (value) => typeof value === "boolean", ...said };
}

export function oneOf<const T>(choices: readonly T[], said: Said<T>): Field<T> {
  const holds = (value: unknown) => choices.includes(value as T);
  return { expected: `one of ${choices.join(", ")}`, holds, choices, ...said };
}

/** @param expected The range in words. */
export function number(expected: string, inRange: (value: number) => boolean, said: Said<number>): Field<number> {
  return { expected, holds: (value) => isNumber(value) && inRange(value), ...said };
}

/** One number or more. */
export function numbers(
  expected: string,
  inRange: (value: number) => boolean,
  said: Said<readonly number[]>,
): Field<readonly number[]> {
  const holds = (value: unknown) =>
    Array.isArray(value) && value.length > 0 && value.every((item) => isNumber(item) && inRange(item));
  return { expected, holds, ...said };
}

function isNumber(value: unknown): value is number {
  return Number.isFinite(value);
}

function isCount(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}
