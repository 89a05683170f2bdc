import { readFile, stat } from "node:fs/promises";

/**
 * The bytes of a file, and of nothing that has no end or waits for another program.
 *
 * @throws Error in words where it is no file or cannot be read.
 */
export async function readRegular(path: string, { signal }: { readonly signal?: AbortSignal } = {}): Promise<Buffer> {
  const found = await stat(path);
  if (found.isDirectory()) throw new Error("found a folder");
  if (!found.isFile()) throw new Error("found a device or a pipe; copy what it gives into a file");
  // Those of /proc say 0, and some of them wait.
  return found.size === 0 ? Buffer.alloc(0) : readFile(path, { signal });
}
