import { readFile } from "node:fs/promises";
import { type ForeignCheckpoint, PspnetError, readCheckpoint } from "@pspnet/core";

/**
 * A checkpoint that another program wrote, of all its files: encoder and decoder, or an index and its data.
 *
 * @throws PspnetError "usage" for a file that cannot be read, "format" for one in no format that is known, or two of the same
 * tensors.
 */
export async function readForeign(paths: readonly string[]): Promise<ForeignCheckpoint> {
  return readCheckpoint(await Promise.all(paths.map(async (name) => ({ name, bytes: await bytesOf(name) }))));
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new PspnetError("usage", `${path}: expected a readable file (${cause.message})`, { cause });
  });
}
