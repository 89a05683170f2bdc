import { describeParts, type KeyDescription } from "@pspnet/core";
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

/** The keys that may stand below a path. */
export function keysAt(path: readonly PropertyKey[]): string[] {
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
