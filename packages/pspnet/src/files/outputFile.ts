import type { Stats } from "node:fs";
import { realpath, stat } from "node:fs/promises";
import { PspnetError } from "@pspnet/core";

/**
 * Where a file that is to be written really stands: a symbolic link's target.
 *
 * @throws PspnetError "usage" where something that is no file would be replaced: a device, a pipe, a socket.
 */
export async function outputFile(path: string): Promise<string> {
  const there = await statOf(path);
  if (there === null || there.isDirectory()) return path;
  if (!there.isFile()) {
    throw new PspnetError(
      "usage",
      `${path}: expected the name of a file, found a device or a pipe; choose another name`,
    );
  }
  return realpath(path);
}

/** @throws PspnetError "usage" where the output would be written over an input. */
export async function refuseOverInput(out: string, inputs: readonly string[]): Promise<void> {
  const there = await statOf(out);
  if (there === null) return;
  for (const input of inputs) {
    const read = await statOf(input);
    if (read !== null && read.dev === there.dev && read.ino === there.ino)
      throw new PspnetError(
        "usage",
        `--out ${out}: expected another file than is read, found ${input}; choose another`,
      );
  }
}

function statOf(path: string): Promise<Stats | null> {
  return stat(path).catch(() => null);
}
