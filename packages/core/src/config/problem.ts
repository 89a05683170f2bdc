/** What is wrong with a configuration, and where in it. */
export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** `layers: expected one of 18, 34, found 20` */
export function mismatch(path: readonly string[], expected: string, found: unknown): Problem {
  return { path, message: `expected ${expected}, found ${typeof found === "number" ? found : JSON.stringify(found)}` };
}
