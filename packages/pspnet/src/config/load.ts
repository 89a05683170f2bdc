import { dirname, isAbsolute, resolve } from "node:path";
import { inParts, inputChannels, PspnetError } from "@pspnet/core";
import type { DataConfig } from "../data/format.js";
import { initPath } from "./initPath.js";
import { parseBy, type Source } from "./parseBy.js";
import { dataSchema, type TrainConfig, type TrainConfigInput } from "./schema.js";
import { isTree, merge, parseOverrides, readYaml, type Tree, valueAt } from "./tree.js";
import { validateTrainConfig } from "./validate.js";

/**
 * The configuration of a run: the YAML file, if there is one, then `key=value` overrides (`model.backbone.layers=18`,
 * `classWeights=[1,2]`).
 * Relative `data.root` and `init` are relative to the file when it gives them, to `folder` when an override does.
 *
 * @throws PspnetError "config" naming the file or the command line, the key, what was expected, and the nearest known key.
 */
export async function loadTrainConfig(
  file: string | null,
  overrides: readonly string[],
  folder: string,
): Promise<TrainConfig> {
  const tree: Tree = file === null ? { data: {} } : await fileTree(file, folder);
  return completeConfig(tree, givenKeys(overrides, folder), file ?? "train");
}

/** What `key=value` overrides say. A relative `data.root` and `init` are relative to `folder`. */
export function givenKeys(overrides: readonly string[], folder: string): Tree {
  const given = parseOverrides(overrides, "train");
  resolvePaths(given, folder);
  return given.model === undefined ? given : { ...given, model: inParts(given.model) };
}

/**
 * The configuration that a tree of keys is, with what the command line gives over it.
 *
 * @param source is named in errors: who said what is in `tree`.
 * @throws PspnetError "config" as {@link loadTrainConfig}.
 */
export function completeConfig(tree: Tree, given: Tree, source: string): TrainConfig {
  const model = inParts(given.model, inParts(tree.model));
  return validateTrainConfig({ ...merge(tree, given), model } as TrainConfigInput, sourceOf(given, source));
}

const COMMAND_LINE = "command line";

/** The command line for what its overrides say, else `base`. */
function sourceOf(given: Tree, base: string): Source {
  return (path) => (valueAt(given, path) === undefined ? base : COMMAND_LINE);
}

async function fileTree(file: string, folder: string): Promise<Tree> {
  const path = resolve(folder, file);
  const tree = await readYaml(path, file);
  resolvePaths(tree, dirname(path));
  return tree;
}

/** A dataset, and the channels of its images. */
export interface DescribedData {
  readonly data: DataConfig;
  readonly channels: number;
}

/**
 * The dataset that `--data` means: a folder of photographs, or the YAML file of a training run, whose `data` it is.
 *
 * @throws PspnetError "config" or "usage" as {@link loadTrainConfig}.
 */
export async function loadDataConfig(path: string, { format, classes }: DataFlags): Promise<DescribedData> {
  if (/\.ya?ml$/.test(path)) {
    refuseBeside(path, { format, classes });
    const { data, model } = await loadTrainConfig(path, [], ".");
    return { data, channels: inputChannels(model.input) };
  }
  const given = { root: resolve(path), format, classes: classes?.includes(",") ? classes.split(",") : classes };
  return { data: parseBy(dataSchema, given, { source: () => COMMAND_LINE, code: "usage" }), channels: 3 };
}

/** What the command line may say of a folder. */
interface DataFlags {
  readonly format?: string;
  readonly classes?: string;
}

/** A training run's file says all of its data. */
function refuseBeside(file: string, flags: DataFlags): void {
  for (const [key, value] of Object.entries(flags)) {
    if (value === undefined) continue;
    const mend = `leave it out, and write data.${key} in the file if it is to be another`;
    throw new PspnetError(
      "usage",
      `--${key}: expected a folder beside it, found ${file}, which says so itself; ${mend}`,
    );
  }
}

function resolvePaths(tree: Tree, folder: string): void {
  const isRelative = (value: unknown) => typeof value === "string" && value !== "" && !isAbsolute(value);
  const at = (value: unknown) => (isRelative(value) ? resolve(folder, value as string) : value);
  if (isTree(tree.data) && "root" in tree.data) tree.data.root = at(tree.data.root);
  if (typeof tree.init === "string") tree.init = initPath(tree.init, folder);
}
