/** Zip archives of files that are stored as they are (PKWARE's APPNOTE, sections 4.3.7, 4.3.12 and 4.3.16). */
import { crc32 } from "../checksums.js";
import { PspnetError } from "../error.js";
import { byteLength, join } from "../pieces.js";
import { CENTRAL, END, LOCAL } from "./zipSignatures.js";

export interface StoredFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** Names are UTF-8. */
const FLAGS = 0x0800;
const VERSION = 20;
/** 1 January 1980, the first day that there is. */
const DATE = 0x21;
/** The extra field that PyTorch aligns with. */
const PADDING_ID = 0x4246;
const LIMIT = 2 ** 32 - 1;

/**
 * The archive in pieces, the files' own bytes among them. Each starts at a multiple of `alignment`.
 *
 * @throws PspnetError "format" for an archive of 4 GiB or more.
 */
export function* storedZipPieces(
  files: readonly StoredFile[],
  { alignment }: { readonly alignment: number },
): Generator<Uint8Array> {
  const central: Uint8Array[] = [];
  let at = 0;
  for (const { name, bytes } of files) {
    const encoded = new TextEncoder().encode(name);
    const common = [VERSION, FLAGS, 0, 0, DATE].map((value) => number(value, 2));
    const sizes = [number(crc32(bytes), 4), number(bytes.byteLength, 4), number(bytes.byteLength, 4)];
    const header = [number(LOCAL, 4), ...common, ...sizes, number(encoded.byteLength, 2)];
    const padding = extra(at + byteLength(header) + 2 + encoded.byteLength, alignment);
    const local = join([...header, number(padding.byteLength, 2), encoded, padding]);
    const entry = [number(CENTRAL, 4), number(VERSION, 2), ...common, ...sizes, number(encoded.byteLength, 2)];
    // No extra field, no comment, on this disk, attributes of no system.
    central.push(join([...entry, new Uint8Array(12), number(at, 4), encoded]));
    at += local.byteLength + bytes.byteLength;
    if (at > LIMIT) throw new PspnetError("format", `zip: expected less than 4 GiB, found ${at} bytes up to ${name}`);
    yield local;
    yield bytes;
  }
  yield* central;
  const count = number(files.length, 2);
  yield join([number(END, 4), number(0, 4), count, count, number(byteLength(central), 4), number(at, 4), number(0, 2)]);
}

/** An extra field after which the file's bytes are aligned. */
function extra(start: number, alignment: number): Uint8Array {
  const length = 4 + ((alignment - ((start + 4) % alignment)) % alignment);
  return join([number(PADDING_ID, 2), number(length - 4, 2), new Uint8Array(length - 4)]);
}

function number(value: number, bytes: 2 | 4): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, i) => (value >>> (8 * i)) & 255);
}
