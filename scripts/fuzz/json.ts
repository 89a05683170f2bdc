/** Mutations of JSON by its values, of JSON in its strings too. */
import type { Random } from "@pspnet/core";
import { INTEGERS, pick } from "./bytes.js";

type Json = unknown;

const nested = (depth: number): Json => JSON.parse(`${"[".repeat(depth)}${"]".repeat(depth)}`);

const VALUES: readonly Json[] = [
  ...[
    null,
    true,
    false,
    "",
    "a",
    -1,
    0.5,
    -0,
    1e300,
    [],
    {},
    [1],
    [[1]],
    { kind: "resnet" },
    "__proto__",
    "x".repeat(5000),
  ],
  ...INTEGERS.map(Number),
  ...[nested(10_000), Array(5000).fill(1)],
];

/** The text with something in it changed; null where it is no JSON. */
export function mutateJson(text: string, random: Random): string | null {
  try {
    return JSON.stringify(mutated(JSON.parse(text), random));
  } catch {
    return null;
  }
}

function mutated(value: Json, random: Random): Json {
  if (typeof value === "string") return mutateText(value, random);
  if (typeof value !== "object" || value === null || random.next() < 0.05) return pick(VALUES, random);
  const entries = Object.entries(value);
  if (entries.length === 0) return pick(VALUES, random);
  const at = random.integer(0, entries.length);
  const [key, item] = entries[at];
  const changed = changedEntries(entries, { at, key, item, random });
  return Array.isArray(value) ? changed.map(([, one]) => one) : Object.fromEntries(changed);
}

interface Place {
  readonly at: number;
  readonly key: string;
  readonly item: Json;
  readonly random: Random;
}

function changedEntries(entries: [string, Json][], { at, key, item, random }: Place): [string, Json][] {
  const [otherKey, other] = pick(entries, random);
  switch (random.integer(0, 12)) {
    case 0:
      return entries.toSpliced(at, 1);
    case 1:
      return entries.toSpliced(at, 0, [String(mutateText(key, random)), item]);
    case 2:
      return entries.with(at, [String(mutateText(key, random)), item]);
    case 3:
      return entries.with(at, [key, other]);
    case 4:
      return entries.with(at, [otherKey.replace(/\d+/, String(random.integer(0, 30))), item]);
    default:
      return entries.with(at, [key, mutated(item, random)]);
  }
}

function mutateText(text: string, random: Random): Json {
  const inner = /^[[{\d]/.test(text) && random.next() < 0.9 ? mutateJson(text, random) : null;
  if (inner !== null) return inner;
  const at = random.integer(0, text.length + 1);
  switch (random.integer(0, 5)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return text.replace(/\d+/g, (number) => (random.next() < 0.5 ? number : String(pick(INTEGERS, random))));
    case 2:
      return text.slice(0, at) + pick([".", "0", "\u0000", "/", "weight", "é"], random) + text.slice(at);
    case 3:
      return text.repeat(2);
    default:
      return pick(VALUES, random);
  }
}
