import { mkdir } from "node:fs/promises";
import { join } from "node:path";

/** Makes the first of `name`, `name-2`, `name-3`... that does not exist in `root`, and returns its path. */
export async function createRunFolder(root: string, name: string): Promise<string> {
  await mkdir(root, { recursive: true });
  for (let count = 1; ; count++) {
    const folder = join(root, count === 1 ? name : `${name}-${count}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
