import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import { completeConfig } from "../config/load.js";
import type { TrainConfig } from "../config/schema.js";
import { isTree, readYaml, type Tree } from "../config/tree.js";
import { nameOf } from "./planRun.js";

/**
 * The configuration of a run that was planned for a folder, with what is given over it: nothing is planned anew, and the samples stay
 * where they were.
 *
 * @throws PspnetError "config" where there is no such run, or it is of another folder.
 */
export async function plannedConfig(data: string, given: Tree): Promise<TrainConfig> {
  const root = resolve(data);
  const { runs, name } = completeConfig({ name: nameOf(root), data: { root } }, given, "train");
  const file = join(runs, name, "config.yaml");
  if (!existsSync(file))
    throw new PspnetError(
      "config",
      `resume=true: expected a run on ${root} in ${join(runs, name)}, found none; give its name by name=, or start it without resume`,
    );
  const tree = await readYaml(file, file);
  if (!isTree(tree.data) || tree.data.root !== root) {
    const found = isTree(tree.data) ? tree.data.root : "none";
    throw new PspnetError(
      "config",
      `resume=true: expected a run on ${root}, found one on ${found} in ${join(runs, name)}; give its name by name=`,
    );
  }
  return completeConfig(tree, { ...given, name, runs, ...withoutRecorded(given) }, file);
}

/** Keys of the data that a plan turns into lists and a file of classes. */
const RECORDED: readonly string[] = ["format", "train", "val", "classes"];

/** What is given of the data, but for what was written down by it. */
function withoutRecorded({ data }: Tree): Tree {
  if (!isTree(data)) return {};
  return { data: Object.fromEntries(Object.entries(data).filter(([key]) => !RECORDED.includes(key))) };
}
