import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeError } from "./writeError.js";

/**
 * Makes the first of `name`, `name-2`, `name-3`... that does not exist in `root`, and returns its path. Two processes never
 * get the same one.
 *
 * @throws PspnetError "environment" when it cannot be made.
 */
export async function createRunFolder(root: string, name: string): Promise<string> {
  for (let count = 1; ; count++) {
    const folder = join(root, count === 1 ? name : `${name}-${count}`);
    try {
      await mkdir(root, { recursive: true });
      await mkdir(folder);
      return folder;
    } catch (error) {
      const cause = error as NodeJS.ErrnoException;
      if (cause.code === "EEXIST" && cause.path === folder) continue;
      throw await writeError(cause, { path: folder, needed: 0, kept: "nothing was started" });
    }
  }
}
