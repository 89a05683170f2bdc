import { randomUUID } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { makeFolder } from "./makeFolder.js";
import { outputFile } from "./outputFile.js";
import { writeError } from "./writeError.js";

/** Bytes given to the system at a time; it takes less than 2^31. */
const LARGEST_WRITE = 2 ** 30;
const TEMPORARY = /^\..*\.[0-9a-f]{8}\.part$/;

/**
 * Writes a file so that a reader, and a power cut, find the old one or the new one whole: to a temporary name beside it,
 * synced, renamed. When it fails the old file is untouched and the temporary one is gone.
 *
 * @param content For a large file its pieces, made as they are needed.
 * @throws PspnetError "usage" for a device or a pipe, "environment" naming the path, the cause and, for a full disk, the space needed and left.
 */
export async function atomicWrite(path: string, content: Uint8Array | string | Iterable<Uint8Array>): Promise<void> {
  const target = await outputFile(path);
  const folder = dirname(target);
  const temporary = temporaryName(target);
  const pieces = piecesOf(content)[Symbol.iterator]();
  const size = { bytes: 0 };
  try {
    await makeFolder(folder);
    await writePieces(temporary, pieces, size);
    await rename(temporary, target);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    for (let piece = pieces.next(); !piece.done; piece = pieces.next()) size.bytes += piece.value.byteLength;
    const kept = "what stood there before is untouched";
    throw await writeError(cause as NodeJS.ErrnoException, { path, needed: size.bytes, kept });
  }
}

/** A name beside a file for what is to replace it. */
export function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path).slice(0, 100)}.${randomUUID().slice(0, 8)}.part`);
}

/** Removes the temporary files that a killed process left in the folder. Nothing may be writing there. */
export async function removeTemporaryFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names) if (isTemporaryFile(name)) await rm(join(folder, name), { force: true });
}

/** Whether a file of that name is one that {@link atomicWrite} is writing, or was when it was killed. */
export function isTemporaryFile(name: string): boolean {
  return TEMPORARY.test(name);
}

function piecesOf(content: Uint8Array | string | Iterable<Uint8Array>): Iterable<Uint8Array> {
  if (typeof content === "string") return [new TextEncoder().encode(content)];
  return content instanceof Uint8Array ? [content] : content;
}

/** `size` counts what was taken from the pieces, also when writing it failed. */
async function writePieces(path: string, pieces: Iterator<Uint8Array>, size: { bytes: number }): Promise<void> {
  const file = await open(path, "w");
  try {
    for (let piece = pieces.next(); !piece.done; piece = pieces.next()) {
      size.bytes += piece.value.byteLength;
      await writeWhole(file, piece.value);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) {
    const length = Math.min(bytes.byteLength - at, LARGEST_WRITE);
    at += (await file.write(bytes, at, length)).bytesWritten;
  }
}

/** The new name must survive a power cut as well; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (platform() === "win32") return;
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}
