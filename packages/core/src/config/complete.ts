import type { Field, Fields } from "./field.js";
import type { Kind } from "./kind.js";
import { mismatch, type Problem } from "./problem.js";
import { isRecord, withoutUndefined } from "./record.js";
import { unknownKey } from "./suggest.js";

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
    ...strangers.map((key) => ({ path: [], unknown: key, message: unknownKey(key, known) })),
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

/** The keys of a part's configuration with default and meaning. Those of the first kind first; of the others what differs, and of which. */
export function describeKinds(part: string, kinds: readonly Kind[]): KeyDescription[] {
  const names = kinds.map(({ name }) => name).join(" | ");
  const seen = new Set<Field>();
  const fields = kinds.flatMap((kind, i) => {
    const { config } = complete(kinds, { kind: kind.name });
    const own = Object.entries(kind.fields).filter(([, field]) => !seen.has(field));
    for (const [, field] of own) seen.add(field);
    return own.map(([key, field]) => {
      const meaning = i === 0 ? field.meaning : `(${kind.name}) ${field.meaning}`;
      return describe(`${part}.${key}`, { ...field, meaning }, config[key]);
    });
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
