import { readFile } from "node:fs/promises";
import { dirname, isAbsolute, resolve } from "node:path";
import { alignedSize, PspnetError } from "@pspnet/core";
import { parse } from "yaml";
import { z } from "zod";
import { type DataConfig, dataSchema, seconds, type TrainConfig, trainConfigSchema } from "./schema.js";
import { nearest } from "./suggest.js";
import { inWords } from "./words.js";

type Tree = Record<string, unknown>;

/**
 * The configuration of a run: the YAML file, then `key=value` overrides (`model.layers=18`, `bins=[1,2]`).
 * Relative `data.root` and `init` are relative to the file when it gives them, to `folder` when an override does.
 *
 * @throws PspnetError "config" naming the file, the key, what was expected, and the nearest known key.
 */
export async function loadTrainConfig(
  file: string,
  overrides: readonly string[],
  folder: string,
): Promise<TrainConfig> {
  const path = resolve(folder, file);
  const tree = parseYaml(await readText(path), file);
  resolvePaths(tree, dirname(path));
  const given: Tree = {};
  for (const override of overrides) setKey(given, override);
  resolvePaths(given, folder);
  return validateTrainConfig(merge(tree, given), file);
}

/** Checks a plain object against the schema and fills in the defaults; `source` is named in errors. */
export function validateTrainConfig(tree: unknown, source: string): TrainConfig {
  const result = trainConfigSchema.safeParse(tree, { error: inWords });
  if (result.success) return checkRelations(result.data, source);
  throw new PspnetError("config", result.error.issues.map((issue) => `${source}: ${explain(issue)}`).join("\n"));
}

/** The keys of the configuration with type, default and meaning, for `pspnet train --keys`. */
export function describeKeys(): { key: string; fallback: string; meaning: string }[] {
  return [...leaves(z.toJSONSchema(trainConfigSchema, { io: "input" }) as JsonSchema, "")];
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (cause) {
    const mend = "pass the path of a YAML file; `pspnet train --help` shows one";
    throw new PspnetError(
      "usage",
      `train: expected a readable configuration at ${path} (${(cause as Error).message}); ${mend}`,
    );
  }
}

function parseYaml(text: string, file: string): Tree {
  let tree: unknown;
  try {
    tree = parse(text) ?? {};
  } catch (cause) {
    throw new PspnetError("config", `${file}: expected YAML, found an error in it: ${(cause as Error).message}`);
  }
  if (!isTree(tree))
    throw new PspnetError("config", `${file}: expected keys and values at the top, found ${typeof tree}`);
  return tree;
}

function setKey(tree: Tree, override: string): void {
  const equals = override.indexOf("=");
  if (equals < 1)
    throw new PspnetError(
      "usage",
      `train: expected key=value, found "${override}"; for example lr=0.02 or model.layers=18`,
    );
  const path = override.slice(0, equals).split(".");
  let node = tree;
  for (const key of path.slice(0, -1)) {
    if (!isTree(node[key])) node[key] = {};
    node = node[key] as Tree;
  }
  node[path[path.length - 1]] = parseValue(override, equals + 1);
}

function parseValue(override: string, start: number): unknown {
  try {
    return parse(override.slice(start));
  } catch (cause) {
    const reason = (cause as Error).message.split("\n")[0];
    throw new PspnetError("usage", `train: expected a value that YAML can read in "${override}": ${reason}`, { cause });
  }
}

function merge(base: Tree, over: Tree): Tree {
  const result = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = result[key];
    result[key] = isTree(old) && isTree(value) ? merge(old, value) : value;
  }
  return result;
}

function resolvePaths(tree: Tree, folder: string): void {
  const at = (value: unknown) => (typeof value === "string" && !isAbsolute(value) ? resolve(folder, value) : value);
  if (isTree(tree.data) && "root" in tree.data) tree.data.root = at(tree.data.root);
  if ("init" in tree) tree.init = at(tree.init);
}

function checkRelations(config: TrainConfig, source: string): TrainConfig {
  const { accumulate, augment, batch, budget, crop, model } = config;
  const fail = (message: string) => {
    throw new PspnetError("config", `${source}: ${message}`);
  };
  if (batch % accumulate !== 0) fail(`batch=${batch} is not divisible by accumulate=${accumulate}`);
  if (budget !== null && seconds(budget) === 0)
    fail(`budget=${budget}: expected a time above 0; leave it out to train for all epochs`);
  if (augment.scaleMin > augment.scaleMax)
    fail(`augment.scaleMin=${augment.scaleMin} is greater than augment.scaleMax=${augment.scaleMax}`);
  const [above] = alignedSize([crop, crop], model);
  if (crop !== above) {
    const stride = model.outputStride;
    fail(
      `crop: expected ${stride}n+1, so that the first and last features stand on the corners of the crop, found ${crop}; ` +
        `take ${above - stride} or ${above}`,
    );
  }
  return config;
}

function explain(issue: z.core.$ZodIssue): string {
  const path = issue.path.join(".");
  if (issue.code !== "unrecognized_keys") return `${path || "configuration"}: ${issue.message}`;
  const known = keysAt(issue.path);
  return issue.keys
    .map((key) => {
      const near = nearest(key, known);
      const full = path ? `${path}.${key}` : key;
      return `unknown key "${full}"; ${near ? `did you mean "${near}"?` : `known keys are ${known.join(", ")}`}`;
    })
    .join("\n");
}

interface JsonSchema {
  readonly properties?: Record<string, JsonSchema>;
  readonly description?: string;
  readonly default?: unknown;
  readonly enum?: readonly unknown[];
}

function keysAt(path: readonly PropertyKey[]): string[] {
  let schema: JsonSchema | undefined = z.toJSONSchema(trainConfigSchema, { io: "input" }) as JsonSchema;
  for (const key of path) schema = schema?.properties?.[String(key)];
  return Object.keys(schema?.properties ?? {});
}

function* leaves(schema: JsonSchema, prefix: string): Generator<{ key: string; fallback: string; meaning: string }> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const key = prefix + name;
    if (child.properties) yield* leaves(child, `${key}.`);
    else yield { key, fallback: "default" in child ? JSON.stringify(child.default) : "", meaning: meaningOf(child) };
  }
}

function meaningOf({ description, enum: choices }: JsonSchema): string {
  return [description, choices?.join(" | ")].filter(Boolean).join(": ");
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * The dataset that `--data` means: a folder, or the YAML file of a training run, whose `data` it is.
 *
 * @throws PspnetError "config" or "usage" as {@link loadTrainConfig}.
 */
export async function loadDataConfig(
  path: string,
  { format, classes }: { readonly format?: string; readonly classes?: string },
): Promise<DataConfig> {
  if (/\.ya?ml$/.test(path)) return (await loadTrainConfig(path, [], ".")).data;
  const given = { root: resolve(path), format, classes: classes?.includes(",") ? classes.split(",") : classes };
  const result = dataSchema.safeParse(given, { error: inWords });
  if (result.success) return result.data;
  throw new PspnetError("usage", result.error.issues.map((issue) => `--data ${path}: ${explain(issue)}`).join("\n"));
}
