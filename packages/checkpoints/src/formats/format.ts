import type { Checkpoint, CheckpointFile } from "../checkpoint.js";

/** A format of weights. */
export interface Format {
  /** By content: whether `read` is the one to say what is wrong with the file. */
  recognises(bytes: Uint8Array): boolean;
  /** Of formats of several files: whether one of that name is read with the file `whole`, not by itself. */
  hasPart?(name: string, whole: string): boolean;
  /**
   * @param parts What `hasPart` says yes to, of the files that were given.
   * @throws PspnetError "format" with the place in the file, without its name.
   */
  read(bytes: Uint8Array, parts: readonly CheckpointFile[]): Checkpoint;
}

/** Whether the bytes at `at` are these. */
export function startsWith(bytes: Uint8Array, signature: string, at = 0): boolean {
  for (let i = 0; i < signature.length; i++) if (bytes[at + i] !== signature.charCodeAt(i)) return false;
  return true;
}
