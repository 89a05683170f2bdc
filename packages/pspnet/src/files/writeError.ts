import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { PspnetError } from "@pspnet/core";

const MENDS: Readonly<Record<string, string>> = {
  EACCES: "allow writing there, or choose another folder",
  EPERM: "allow writing there, or choose another folder",
  EROFS: "choose a folder that can be written",
  EEXIST: "a file stands where a folder is needed; choose another folder",
  ENOTDIR: "a file stands where a folder is needed; choose another folder",
  ENOENT: "no folder can be made there; choose another",
  EISDIR: "a folder stands where the file is to be; choose another name",
  ENAMETOOLONG: "choose a shorter name",
};

/**
 * What to throw when a file could not be written: PspnetError "environment" naming the path, the cause and the mend, for a
 * full disk with the space needed and left. Errors that are not the system's are returned as they are.
 */
export async function writeError(
  cause: NodeJS.ErrnoException,
  { path, needed, kept }: { readonly path: string; readonly needed: number; readonly kept: string },
): Promise<Error> {
  if (cause instanceof PspnetError || cause.code === undefined) return cause;
  if (cause.code !== "ENOSPC" && cause.code !== "EDQUOT") {
    const mend = MENDS[cause.code] ? `; ${MENDS[cause.code]}` : "";
    return new PspnetError("environment", `${path}: could not be written (${cause.message}); ${kept}${mend}`, {
      cause,
    });
  }
  const free = await statfs(dirname(path)).then(
    ({ bavail, bsize }) => `${megabytes(bavail * bsize)} MB are free`,
    () => "the free space is unknown",
  );
  const what = cause.code === "EDQUOT" ? "the disk quota is used up" : "the disk is full";
  return new PspnetError(
    "environment",
    `${path}: ${what} (${megabytes(needed)} MB are needed, ${free}); ${kept}. Free some space, then repeat the command; a training run goes on with resume=true`,
    { cause },
  );
}

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
