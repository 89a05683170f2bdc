import { dirname, isAbsolute, resolve } from "node:path";
import { inParts } from "@pspnet/core";
import type { DataConfig } from "../data/format.js";
import { parseBy } from "./parseBy.js";
import { dataSchema, type TrainConfig, type TrainConfigInput } from "./schema.js";
import { isTree, merge, parseOverrides, readYaml, type Tree } from "./tree.js";
import { validateTrainConfig } from "./validate.js";

/**
 * The configuration of a run: the YAML file, if there is one, then `key=value` overrides (`model.backbone.layers=18`,
 * `classWeights=[1,2]`).
 * Relative `data.root` and `init` are relative to the file when it gives them, to `folder` when an override does.
 *
 * @throws PspnetError "config" naming the file, the key, what was expected, and the nearest known key.
 */
export async function loadTrainConfig(
  file: string | null,
  overrides: readonly string[],
  folder: string,
): Promise<TrainConfig> {
  const tree: Tree = file === null ? { data: {} } : await fileTree(file, folder);
  const given = parseOverrides(overrides);
  resolvePaths(given, folder);
  const model = inParts(given.model, inParts(tree.model));
  return validateTrainConfig({ ...merge(tree, given), model } as TrainConfigInput, file ?? "train");
}

async function fileTree(file: string, folder: string): Promise<Tree> {
  const path = resolve(folder, file);
  const tree = await readYaml(path, file);
  resolvePaths(tree, dirname(path));
  return tree;
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
  return parseBy(dataSchema, given, { source: `--data ${path}`, code: "usage" });
}

function resolvePaths(tree: Tree, folder: string): void {
  const at = (value: unknown) => (typeof value === "string" && !isAbsolute(value) ? resolve(folder, value) : value);
  if (isTree(tree.data) && "root" in tree.data) tree.data.root = at(tree.data.root);
  if ("init" in tree) tree.init = at(tree.init);
}
