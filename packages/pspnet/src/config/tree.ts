import { readFile } from "node:fs/promises";
import { PspnetError } from "@pspnet/core";
import { parse } from "yaml";

/** Keys and values as a file or a command line gives them, not looked at yet. */
export type Tree = Record<string, unknown>;

/**
 * The keys of a YAML file.
 *
 * @param file its name, for messages.
 * @throws PspnetError "usage" when it cannot be read, "config" when it is no YAML.
 */
export async function readYaml(path: string, file: string): Promise<Tree> {
  const text = await readFile(path, "utf8").catch((cause: Error) => {
    throw new PspnetError("usage", `${path}: expected a readable YAML file (${cause.message})`);
  });
  let tree: unknown;
  try {
    tree = parse(text) ?? {};
  } catch (cause) {
    throw new PspnetError("config", `${file}: expected YAML, found an error in it: ${(cause as Error).message}`);
  }
  if (!isTree(tree)) {
    const found = Array.isArray(tree) ? "a list" : typeof tree;
    throw new PspnetError("config", `${file}: expected keys and values at the top, found ${found}`);
  }
  if (holdsItself(tree)) throw new PspnetError("config", `${file}: expected values that end, found an alias in itself`);
  return tree;
}

function holdsItself(value: unknown, within: readonly unknown[] = []): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (within.includes(value)) return true;
  return Object.values(value).some((part) => holdsItself(part, [...within, value]));
}

/**
 * The keys that `key=value` overrides give, `model.backbone.layers=18`; values are YAML.
 *
 * @param command is named in errors.
 */
export function parseOverrides(overrides: readonly string[], command: string): Tree {
  const tree: Tree = {};
  for (const override of overrides) setKey(tree, override, command);
  return tree;
}

function setKey(tree: Tree, override: string, command: string): void {
  const equals = override.indexOf("=");
  if (equals < 1)
    throw new PspnetError(
      "usage",
      `${command}: expected key=value, found "${override}"; for example lr=0.02 or model.backbone.layers=18`,
    );
  const path = override.slice(0, equals).split(".");
  let node = tree;
  for (const key of path.slice(0, -1)) {
    if (!isTree(node[key])) node[key] = {};
    node = node[key] as Tree;
  }
  node[path[path.length - 1]] = parseValue(override, equals + 1, command);
}

function parseValue(override: string, start: number, command: string): unknown {
  try {
    return parse(override.slice(start));
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new PspnetError("usage", `${command}: expected a value that YAML can read in "${override}": ${reason}`, {
      cause,
    });
  }
}

/** `over` wins, and keeps what it does not say of `base`. */
export function merge(base: Tree, over: Tree): Tree {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = result[key];
    result[key] = isTree(old) && isTree(value) ? merge(old, value) : value;
  }
  return result;
}

/** What stands at a path of keys, `validation.every`; undefined where nothing does. */
export function valueAt(tree: Tree, path: readonly PropertyKey[]): unknown {
  let found: unknown = tree;
  for (const key of path) {
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return undefined;
    found = (found as Record<PropertyKey, unknown>)[key];
  }
  return found;
}

/** A tree of one value at a path of keys. */
export function treeOf(path: readonly string[], value: unknown): Tree {
  return path.reduceRight<unknown>((below, key) => ({ [key]: below }), value) as Tree;
}

export function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
