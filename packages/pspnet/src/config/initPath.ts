import { resolve } from "node:path";
import { publishedWeights } from "../pull/weightsFile.js";

/** What `init` means wherever it is read: a file's path, relative to `folder`, or a name of published weights that no file there has. */
export function initPath(init: string, folder = "."): string {
  if (init === "") return init;
  return publishedWeights(init, folder) === null ? resolve(folder, init) : init;
}
