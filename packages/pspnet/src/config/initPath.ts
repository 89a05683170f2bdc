import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { findInZoo } from "../pull/zoo.js";

/** What `init` means wherever it is read: a file's path, relative to `folder`, or a name of published weights that no file there has. */
export function initPath(init: string, folder = "."): string {
  if (init === "") return init;
  const path = resolve(folder, init);
  return existsSync(path) || findInZoo(init) === null ? path : init;
}
