import { Inflate, Unzlib } from "fflate";
import { PspnetError } from "../error.js";

/** Input at a time: what it unpacks to, 1032 times as much at most, is what a wrong size can cost. */
const PIECE = 4096;
/** A file that unpacks to more is a bomb: weights hardly shrink. */
const UNPACKED_MAX = 256 * 2 ** 20;
const UNPACKED_RATIO = 100;

/**
 * @param fileSize Bytes of the file.
 * @param unpacked Bytes that its compressed parts say they unpack to, all together.
 * @throws PspnetError "format" where that is more than weights can shrink.
 */
export function refuseBomb(fileSize: number, unpacked: number): void {
  if (unpacked > UNPACKED_MAX + UNPACKED_RATIO * fileSize) {
    throw new PspnetError("format", `it unpacks from ${fileSize} bytes to ${unpacked}, which no weights do`);
  }
}

/**
 * Deflated bytes unpacked, which must give `size` bytes.
 *
 * @throws PspnetError "format" if they are damaged, or more or fewer than that.
 */
export function inflate(packed: Uint8Array, size: number, name: string): Uint8Array {
  return unpack(new Inflate(), packed, { size, name });
}

/** The same of zlib's frame. */
export function inflateZlib(packed: Uint8Array, size: number, name: string): Uint8Array {
  return unpack(new Unzlib(), packed, { size, name });
}

function unpack(
  stream: Inflate | Unzlib,
  packed: Uint8Array,
  { size, name }: { readonly size: number; readonly name: string },
): Uint8Array {
  // Deflate shortens to a 1032nd at best; so a size that cannot be is refused before memory is taken for it.
  if (size > 1032 * packed.byteLength + 64) fail(name, `${packed.byteLength} bytes cannot unpack to ${size}`);
  const bytes = new Uint8Array(size);
  let length = 0;
  stream.ondata = (piece) => {
    if (length + piece.byteLength > size) fail(name, `unpacks to more than the ${size} bytes that it says`);
    bytes.set(piece, length);
    length += piece.byteLength;
  };
  try {
    for (let at = 0; at < packed.byteLength; at += PIECE) {
      stream.push(packed.subarray(at, at + PIECE), at + PIECE >= packed.byteLength);
    }
  } catch (error) {
    if (error instanceof PspnetError) throw error;
    fail(name, `its compressed data are damaged (${(error as Error).message})`);
  }
  if (length !== size) fail(name, `unpacks to ${length} bytes, expected ${size}`);
  return bytes;
}

function fail(name: string, problem: string): never {
  throw new PspnetError("format", `${name}: ${problem}`);
}
