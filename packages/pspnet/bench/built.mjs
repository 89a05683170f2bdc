import { resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const HERE = fileURLToPath(new URL("../../..", import.meta.url));

/** Imports compiled modules (`pspnet/dist/index.js`) of this clone, or of another that `folder` names: an older commit's, say. */
export function built(folder) {
  return (module) => import(pathToFileURL(resolve(folder || HERE, "packages", module)).href);
}
