import { readFile } from "node:fs/promises";
import { type ForeignCheckpoint, PspnetError, readSafetensors, type StateTensor } from "@pspnet/core";

/**
 * A checkpoint that another program wrote, of all its files: encoder and decoder, or an index and its data.
 *
 * @throws PspnetError "usage" for a file that cannot be read, "format" for one in no format that is known, or two of the same
 * tensors.
 */
export async function readForeign(paths: readonly string[]): Promise<ForeignCheckpoint> {
  const state = new Map<string, StateTensor>();
  const metadata: Record<string, unknown> = {};
  for (const path of paths) {
    const read = readSafetensors(await bytesOf(path));
    for (const [name, tensor] of read.tensors) {
      if (state.has(name))
        throw new PspnetError(
          "format",
          `${path}: expected other tensors than in the files before it, found ${name} again`,
        );
      state.set(name, tensor);
    }
    Object.assign(metadata, read.metadata);
  }
  return { format: "safetensors", state, metadata };
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return readFile(path).catch((cause: Error) => {
    throw new PspnetError("usage", `${path}: expected a readable file (${cause.message})`, { cause });
  });
}
