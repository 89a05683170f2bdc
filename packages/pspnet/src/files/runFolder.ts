import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { makeFolder } from "./makeFolder.js";
import { writeError } from "./writeError.js";

/** The folder of the run number `count` of a name: `name`, `name-2`, `name-3`... */
export function runFolder(root: string, name: string, count: number): string {
  return join(root, count === 1 ? name : `${name}-${count}`);
}

/**
 * Makes the first {@link runFolder} of a name that does not exist, and returns its number. Two processes never get the same one.
 *
 * @throws PspnetError "environment" when it cannot be made.
 */
export async function createRunFolder(root: string, name: string): Promise<number> {
  for (let count = 1; ; count++) {
    const folder = runFolder(root, name, count);
    try {
      await makeFolder(root);
      await mkdir(folder);
      return count;
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (cause.code === "EEXIST" && cause.path === folder) continue;
      throw await writeError(cause, { path: folder, needed: 0, kept: "nothing was started" });
    }
  }
}
