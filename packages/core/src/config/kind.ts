import type { Field, Fields, ValuesOf } from "./field.js";
import { unknownKey } from "./suggest.js";

/**
 * One kind of a part of a network: what its configuration says, and what is made of that. A configuration names its kind,
 * `{ kind: "resnet", layers: 50 }`, and the kinds of a part form a union.
 */
export interface Kind<Name extends string = string, F extends Fields = Fields, Context = never, Made = unknown> {
  readonly name: Name;
  readonly fields: F;
  /** The defaults that depend on other fields. */
  derive?(values: ValuesOf<F>): Partial<ValuesOf<F>>;
  /** What must hold between fields; gives what does not. */
  check?(values: ValuesOf<F>): Problem[];
  create(config: { readonly kind: Name } & ValuesOf<F>, context: Context): Made;
}

/** Infers the types of a kind. */
export function kind<const Name extends string, F extends Fields, Context, Made>(
  description: Kind<Name, F, Context, Made>,
): Kind<Name, F, Context, Made> {
  return description;
}

/** The configuration of a kind, or of one of several. */
export type ConfigOf<K> =
  K extends Kind<infer Name, infer F, never, unknown> ? { readonly kind: Name } & ValuesOf<F> : never;

/** What must be said of a configuration: the rest has defaults, and so has the kind, which is the first of its part. */
export type GivenOf<K> =
  K extends Kind<infer Name, infer F, never, unknown>
    ? { readonly kind?: Name | undefined } & { readonly [Field in keyof F]?: ValuesOf<F>[Field] | undefined }
    : never;

type MadeBy<K> = K extends { create(...given: never[]): infer Made } ? Made : never;
type ContextOf<K> = K extends { create(config: never, context: infer Context): unknown } ? Context : never;

/** What the kind of `config`, one of `kinds`, makes. */
export function create<K extends Kind>(kinds: readonly K[], config: ConfigOf<K>, context: ContextOf<K>): MadeBy<K> {
  const { kind: name } = config as { readonly kind: string };
  return kinds.find((kind) => kind.name === name)!.create(config as never, context as never) as MadeBy<K>;
}

/** What is wrong with a configuration, and where in it. */
export interface Problem {
  readonly path: readonly string[];
  readonly message: string;
}

/** `layers: expected one of 18, 34, found 20` */
export function mismatch(path: readonly string[], expected: string, found: unknown): Problem {
  return { path, message: `expected ${expected}, found ${typeof found === "number" ? found : JSON.stringify(found)}` };
}

export interface Completed {
  /** Every field, in the order of the kind's; of no use when there are problems. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

/** Fills in the defaults of what is given of a configuration, and looks for what is wrong with it. */
export function complete(kinds: readonly Kind[], given: unknown = {}): Completed {
  if (!isRecord(given)) return { config: {}, problems: [mismatch([], "fields with their values", given)] };
  const { kind: name = kinds[0].name, ...said } = withoutUndefined(given);
  const kind = kinds.find((one) => one.name === name);
  if (!kind) {
    const expected = `one of ${kinds.map((one) => one.name).join(", ")}`;
    return { config: {}, problems: [mismatch(["kind"], expected, name)] };
  }
  const known = Object.keys(kind.fields);
  const strangers = Object.keys(said).filter((key) => !known.includes(key));
  const values = { ...defaultsOf(kind.fields), ...said };
  const wrong = Object.entries(kind.fields).filter(([key, field]) => key in values && !field.holds(values[key]));
  const problems = [
    ...strangers.map((key) => ({ path: [], message: unknownKey(key, known) })),
    ...wrong.map(([key, field]) => mismatch([key], field.expected, values[key])),
  ];
  if (problems.length > 0) return { config: {}, problems };
  const all = { ...kind.derive?.(values), ...values };
  const config = { kind: name, ...Object.fromEntries(known.map((key) => [key, all[key as never]])) };
  return { config, problems: kind.check?.(config) ?? [] };
}

export interface KeyDescription {
  readonly key: string;
  /** The default, in JSON. */
  readonly fallback: string;
  readonly meaning: string;
}

/** The keys of a part's configuration with default and meaning. */
export function describeKinds(part: string, kinds: readonly Kind[]): KeyDescription[] {
  const names = kinds.map(({ name }) => name).join(" | ");
  const fields = kinds.flatMap((kind) => {
    const { config } = complete(kinds, { kind: kind.name });
    return Object.entries(kind.fields).map(([key, field]) => describe(`${part}.${key}`, field, config[key]));
  });
  return [{ key: `${part}.kind`, fallback: JSON.stringify(kinds[0].name), meaning: names }, ...fields];
}

function describe(key: string, { meaning, choices }: Field, fallback: unknown): KeyDescription {
  const list = choices?.join(" | ");
  return { key, fallback: JSON.stringify(fallback), meaning: list ? `${meaning}: ${list}` : meaning };
}

function defaultsOf(fields: Fields): Record<string, unknown> {
  const entries = Object.entries(fields).map(([key, field]) => [key, field.default]);
  return withoutUndefined(Object.fromEntries(entries));
}

export function withoutUndefined(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
