import { existsSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { PspnetError } from "@pspnet/core";
import type { TrainConfig } from "../config/schema.js";
import { isTree, type Tree } from "../config/tree.js";
import type { FolderLock } from "../files/folderLock.js";
import { createRunFolder, runFolder } from "../files/runFolder.js";
import { sumNumbers, type World } from "../ranks/world.js";
import { type Checkpoint, checkpointFile, loadCheckpoint } from "./checkpoint.js";
import { isLonger } from "./goingOn.js";

/** Keys that do not change what a run computes, and so may differ when it is resumed. */
export const FREE_KEYS: ReadonlySet<string> = new Set([
  "name",
  "resume",
  "runs",
  "workers",
  "cache",
  "saveEvery",
  "time",
  "device",
  "ranks",
  "restarts",
  "timeout",
]);

/** Who trains, and what keeps others from the run's folder meanwhile. */
export interface PlaceOptions {
  readonly world: World;
  readonly lock: FolderLock;
}

/**
 * What the run of that name goes on from; null for a new one. Rank 0 takes the folder before it is read.
 *
 * @throws PspnetError "config" when there is nothing to resume, or when a key that changes the result differs, but for more epochs;
 * "environment" when another process trains into it.
 */
export async function previousCheckpoint(
  config: TrainConfig,
  { world, lock }: PlaceOptions,
): Promise<Checkpoint | null> {
  if (!config.resume) return null;
  const folder = join(config.runs, config.name);
  const file = checkpointFile(folder);
  if (!existsSync(file)) {
    throw new PspnetError(
      "config",
      `resume=true: expected the state of a run in ${file}, found none; give its name by name=, or start it without resume`,
    );
  }
  if (world.rank === 0) await lock.take(folder);
  const checkpoint = await loadCheckpoint(file);
  const { epochs } = isLonger(checkpoint.config, config) ? config : checkpoint.config;
  const differences = differingKeys({ ...checkpoint.config, epochs }, config);
  if (differences.length > 0) {
    throw new PspnetError(
      "config",
      `resume=true: ${folder} was started with another configuration; to go on exactly, set\n${differences.join("\n")}`,
    );
  }
  return checkpoint;
}

/**
 * Where a run goes: a new folder `runs/<name>` (`<name>-2` when that exists), which rank 0 makes, or the one that is resumed
 * or was `placed` before.
 */
export async function placeRun(
  { runs, name, resume }: TrainConfig,
  { world, lock, placed = false }: PlaceOptions & { readonly placed?: boolean },
): Promise<string> {
  if (resume) return join(runs, name);
  if (placed) {
    if (world.rank === 0) await lock.take(join(runs, name));
    return join(runs, name);
  }
  const [count] = await sumNumbers(world, Float64Array.of(world.rank === 0 ? await createRunFolder(runs, name) : 0));
  const folder = runFolder(runs, name, count);
  if (world.rank === 0) await lock.take(folder);
  return folder;
}

/** The keys that change what a run computes and are not alike, a line each. */
export function differingKeys(before: Tree, now: Tree, prefix = ""): string[] {
  const keys = Object.keys({ ...before, ...now }).filter((key) => !FREE_KEYS.has(prefix + key));
  return keys.flatMap((key) => {
    const [then, today] = [before[key], now[key]];
    if (isTree(then) && isTree(today)) return differingKeys(then, today, `${prefix}${key}.`);
    if (isDeepStrictEqual(then, today)) return [];
    return [`  ${prefix}${key}: ${JSON.stringify(then)} (now ${JSON.stringify(today)})`];
  });
}
