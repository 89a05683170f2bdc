/** What is wrong with a configuration, and where in it. */
export interface Problem {
  readonly path: readonly string[];
  /** The key below `path` that there is not, if that is what is wrong. */
  readonly unknown?: string;
  readonly message: string;
}

/** `layers: expected one of 18, 34, found 20` */
export function mismatch(path: readonly string[], expected: string, found: unknown): Problem {
  return { path, message: `expected ${expected}, found ${shown(found)}` };
}

/** Letters of a value that are shown. */
const SHOWN = 80;

/** A value as messages tell it: `0.5`, `"text"`, `[1,2]`, `undefined`, `a Promise`. */
export function shown(value: unknown): string {
  if (typeof value === "object" && value !== null && !isPlain(value)) return named(value.constructor?.name ?? "object");
  if (typeof value === "function") return "a function";
  const text = typeof value === "string" || typeof value === "object" ? written(value) : String(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
}

/** In JSON, which a value that holds itself has not. */
function written(value: unknown): string {
  try {
    return JSON.stringify(value);
  } catch {
    return "a value that JSON has not";
  }
}

function named(type: string): string {
  return `${/^[aeio]/i.test(type) ? "an" : "a"} ${type}`;
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || Array.isArray(value);
}
