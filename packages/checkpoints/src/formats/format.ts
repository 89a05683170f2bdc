import type { Checkpoint } from "../checkpoint.js";

/** A format of weights. */
export interface Format {
  /** By content: whether `read` is the one to say what is wrong with the file. */
  recognises(bytes: Uint8Array): boolean;
  /** @throws PspnetError "format" with the place in the file, without its name. */
  read(bytes: Uint8Array): Checkpoint;
}

/** Whether the bytes at `at` are these. */
export function startsWith(bytes: Uint8Array, signature: string, at = 0): boolean {
  for (let i = 0; i < signature.length; i++) if (bytes[at + i] !== signature.charCodeAt(i)) return false;
  return true;
}
