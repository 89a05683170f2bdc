import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import type { PullOptions } from "./pull.js";
import { findInZoo, type ZooEntry } from "./zoo.js";

/**
 * The weights that a path, relative to `folder`, means where no file stands there and it is one of their names; null for a file.
 * A folder of such a name is no weights: scenes are often made in one that is called so.
 */
export function publishedWeights(path: string, folder = "."): ZooEntry | null {
  const place = resolve(folder, path);
  return existsSync(place) && !statSync(place).isDirectory() ? null : findInZoo(path);
}

/** The file that a path means: itself, or that of published weights, which are pulled unless they were before. */
export async function weightsFile(path: string, options: PullOptions = {}): Promise<string> {
  const entry = publishedWeights(path);
  if (entry === null) return path;
  // Only who pulls needs what fetches and imports.
  const { pull } = await import("./pull.js");
  return pull(entry, options);
}
