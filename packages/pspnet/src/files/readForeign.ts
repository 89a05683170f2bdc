import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import { bundlePrefix } from "@pspnet/checkpoints";
import { type ForeignCheckpoint, PspnetError, readCheckpoint } from "@pspnet/core";
import { readRegular } from "./readRegular.js";

/**
 * A checkpoint that another program wrote, of all its files: encoder and decoder, or an index and its data.
 *
 * @throws PspnetError "usage" for a file that cannot be read, "format" for one in no format that is known, or two of the same
 * tensors.
 */
export async function readForeign(paths: readonly string[]): Promise<ForeignCheckpoint> {
  const files = await checkpointFiles(paths);
  return readCheckpoint(await Promise.all(files.map(async (name) => ({ name, bytes: await bytesOf(name) }))));
}

/** The files that paths mean: for any of a TensorFlow checkpoint, or the name that those begin with, its index and all its data. */
export async function checkpointFiles(paths: readonly string[]): Promise<string[]> {
  return [...new Set((await Promise.all(paths.map(filesOf))).flat())];
}

async function filesOf(path: string): Promise<string[]> {
  const prefix = normalize(bundlePrefix(path) ?? path);
  const index = `${prefix}.index`;
  if (!existsSync(index) || (existsSync(path) && bundlePrefix(path) === null)) return [path];
  const folder = dirname(prefix);
  const names = (await readdir(folder)).map((name) => join(folder, name)).sort();
  return [index, ...names.filter((name) => bundlePrefix(name) === prefix && name.includes(".data-", prefix.length))];
}

async function bytesOf(path: string): Promise<Uint8Array> {
  return readRegular(path).catch((cause: Error) => {
    throw new PspnetError("usage", `${path}: expected a readable file (${cause.message})`, { cause });
  });
}
