import { describeParts, FLAT_FIELDS, type KeyDescription, nearest, unknownKey } from "@pspnet/core";
import { z } from "zod";
import { trainConfigSchema } from "./schema.js";

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
}

/** The keys of the configuration with default and meaning, for `pspnet train --keys`. */
export function describeKeys(): KeyDescription[] {
  return [...leaves(schema(), "")];
}

/** What is said of a key that may not stand below a path: the nearest one that may, or where else one of such a name may. */
export function explainKey(path: readonly PropertyKey[], key: string): string {
  const name = [...path, key].join(".");
  const here = keysAt(path);
  if (nearest(key, here) !== null) return unknownKey(name, here);
  const places = placesOfKeys();
  const meant = places.get(nearest(key, [...places.keys()]) ?? "");
  if (meant === undefined) return unknownKey(name, here);
  return `unknown key "${name}"; did you mean ${meant.map((place) => `"${place}"`).join(" or ")}?`;
}

/** Where in the configuration the keys of a name stand, those of version 1 among them. */
function placesOfKeys(): Map<string, string[]> {
  const parts = describeKeys().map(({ key }) => key.split("."));
  const paths = parts.flatMap((names) => names.map((_, i) => names.slice(0, i + 1).join(".")));
  const places = new Map<string, string[]>();
  for (const path of new Set(paths)) {
    const name = path.slice(path.lastIndexOf(".") + 1);
    places.set(name, [...(places.get(name) ?? []), path]);
  }
  for (const [name, homes] of Object.entries(FLAT_FIELDS))
    if (!places.has(name))
      places.set(
        name,
        homes.map((home) => `model.${home}`),
      );
  return places;
}

/** The keys that may stand below a path. */
function keysAt(path: readonly PropertyKey[]): string[] {
  let found: JsonSchema | undefined = schema();
  for (const key of path) found = found?.properties?.[String(key)];
  return Object.keys(found?.properties ?? {});
}

/** What core checks is not in it: {@link describeParts} tells of that. */
function schema(): JsonSchema {
  return z.toJSONSchema(trainConfigSchema, { io: "input", unrepresentable: "any" }) as JsonSchema;
}

function* leaves(schema: JsonSchema, prefix: string): Generator<KeyDescription> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const key = prefix + name;
    if (key === "model") for (const part of describeParts()) yield { ...part, key: `${key}.${part.key}` };
    else if (child.properties) yield* leaves(child, `${key}.`);
    else yield { key, fallback: "default" in child ? JSON.stringify(child.default) : "", meaning: meaningOf(child) };
  }
}

function meaningOf({ description, enum: choices }: JsonSchema): string {
  return [description, choices?.join(" | ")].filter(Boolean).join(": ");
}
