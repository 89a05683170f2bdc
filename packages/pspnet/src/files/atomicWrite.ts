import { randomUUID } from "node:crypto";
import { type FileHandle, mkdir, open, rename, rm, statfs } from "node:fs/promises";
import { platform } from "node:os";
import { basename, dirname, join } from "node:path";
import { PspnetError } from "@pspnet/core";

/**
 * Writes a file so that a reader, and a power cut, find the old one or the new one whole: to a temporary name beside it,
 * synced, renamed. When it fails the old file is untouched and the temporary one is gone.
 *
 * @throws PspnetError "environment" naming the path, the cause and, for a full disk, the space needed and left.
 */
export async function atomicWrite(path: string, content: Uint8Array | string | Iterable<Uint8Array>): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID().slice(0, 8)}.part`);
  const pieces =
    typeof content === "string"
      ? [new TextEncoder().encode(content)]
      : content instanceof Uint8Array
        ? [content]
        : content;
  let written = 0;
  try {
    await mkdir(folder, { recursive: true });
    const file = await open(temporary, "w");
    try {
      for (const piece of pieces) written += await writeWhole(file, piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(folder);
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => {});
    throw await explain(cause as NodeJS.ErrnoException, { path, folder, written });
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<number> {
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten;
  return bytes.byteLength;
}

/** The new name must survive a power cut as well; Windows has no such call. */
async function syncFolder(folder: string): Promise<void> {
  if (platform() === "win32") return;
  const handle = await open(folder, "r");
  await handle.sync().finally(() => handle.close());
}

async function explain(
  cause: NodeJS.ErrnoException,
  at: { path: string; folder: string; written: number },
): Promise<Error> {
  if (cause.code === undefined) return cause;
  const kept = "what stood there before is untouched";
  if (cause.code !== "ENOSPC" && cause.code !== "EDQUOT") {
    return new PspnetError("environment", `${at.path}: could not be written (${cause.message}); ${kept}`, { cause });
  }
  const free = await statfs(at.folder).then(
    ({ bavail, bsize }) => `${megabytes(bavail * bsize)} MB are free`,
    () => "the free space is unknown",
  );
  return new PspnetError(
    "environment",
    `${at.path}: the disk is full (stopped after ${megabytes(at.written)} MB; ${free}); ${kept}. Free some space, then go on with resume=true`,
    { cause },
  );
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
