import type { Fields, ValuesOf } from "./field.js";
import type { Problem } from "./problem.js";

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
