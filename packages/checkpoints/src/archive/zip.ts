// Zip archives with zip64, stored and deflated: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
import { ByteReader, latin1, utf8 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import { Places } from "../places.js";
import { inflate, refuseBomb } from "./inflate.js";
import { CENTRAL, END, LOCAL } from "./zipSignatures.js";

export interface ZipEntry {
  readonly name: string;
  /** Bytes once unpacked. */
  readonly size: number;
  /** The content: a view where it is stored, unpacked at the first call where it is deflated. */
  readonly bytes: () => Uint8Array;
}

const END_64_LOCATOR = 0x0706_4b50;
const END_64 = 0x0606_4b50;
const ABSENT = 0xffff_ffff;
const STORED = 0;
const DEFLATED = 8;

/**
 * The entries by name, nothing of them unpacked.
 *
 * @throws PspnetError "format" for archives that are cut off, encrypted, or made to harm.
 */
export function readZip(bytes: Uint8Array): ReadonlyMap<string, ZipEntry> {
  const { directory, count, begin } = findDirectory(bytes);
  const entries = new Map<string, ZipEntry>();
  const places = new Places(bytes.byteLength);
  let unpacked = 0;
  for (let i = 0; i < count; i++) {
    const header = centralHeader(directory);
    const { name, method, size, packed } = header;
    if (entries.has(name)) fail(`${name} stands in it twice`);
    const data = dataOf(bytes, header, begin);
    places.take(header.local, data.byteOffset + data.byteLength - bytes.byteOffset, `zip: ${name}`);
    if (method === DEFLATED) unpacked += size;
    else if (size !== packed) fail(`${name}: expected as many bytes as it has, ${packed}, found ${size}`);
    let content = method === DEFLATED ? undefined : data;
    const contentOf = () => {
      content ??= inflate(data, size, name);
      return content;
    };
    entries.set(name, { name, size, bytes: contentOf });
  }
  refuseBomb(bytes.byteLength, unpacked);
  places.checkApart();
  return entries;
}

interface CentralHeader {
  readonly name: string;
  readonly method: number;
  readonly packed: number;
  readonly size: number;
  /** Where its local header begins. */
  readonly local: number;
}

function findDirectory(bytes: Uint8Array): { directory: ByteReader; count: number; begin: number } {
  const reader = endRecord(bytes);
  const endAt = reader.at - 4;
  if (reader.u32() !== 0) fail("it is one part of several");
  reader.take(2);
  let count = reader.u16();
  reader.take(4);
  let begin = reader.u32();
  if (count === 0xffff || begin === ABSENT) {
    reader.at = endAt - 20;
    if (reader.at < 0 || reader.u32() !== END_64_LOCATOR) fail("expected a zip64 record of its end");
    reader.take(4);
    reader.at = reader.u64();
    if (reader.u32() !== END_64) fail("expected a zip64 record of its end");
    reader.take(28);
    count = reader.u64();
    reader.take(8);
    begin = reader.u64();
  }
  if (begin > endAt) fail(`its directory begins at byte ${begin}, beyond its end at ${endAt}`);
  // 46 bytes are the least that an entry takes.
  if (count * 46 > endAt - begin) fail(`expected room for a directory of ${count} entries`);
  return { directory: new ByteReader(bytes.subarray(0, endAt), "zip directory", begin), count, begin };
}

/** After the signature of the record at the end, which a comment of up to 65,535 bytes may follow. */
function endRecord(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes, "zip");
  for (let at = bytes.byteLength - 22; at >= Math.max(0, bytes.byteLength - 22 - 0xffff); at--) {
    if (bytes[at] !== 0x50 || bytes[at + 1] !== 0x4b) continue;
    reader.at = at;
    if (reader.u32() === END) return reader;
  }
  fail("expected the record at its end, found none; the file is cut off, fetch it again");
}

function centralHeader(reader: ByteReader): CentralHeader {
  if (reader.u32() !== CENTRAL) reader.fail("expected an entry of the directory");
  const madeBy = reader.u16() >> 8;
  reader.take(2);
  const flags = reader.u16();
  const method = reader.u16();
  reader.take(8);
  const packed = reader.u32();
  const size = reader.u32();
  const nameLength = reader.u16();
  const extraLength = reader.u16();
  const commentLength = reader.u16();
  reader.take(4);
  const mode = reader.u32() >>> 16;
  const local = reader.u32();
  const nameBytes = reader.take(nameLength);
  const name = utf8(nameBytes) ?? latin1(nameBytes);
  const wide = zip64(new ByteReader(reader.take(extraLength), `zip: ${name}`), { size, packed, local });
  reader.take(commentLength);
  if (flags & 1) fail(`${name} is encrypted`);
  if (madeBy === 3 && (mode & 0xf000) === 0xa000) fail(`${name} is a symbolic link, found where weights were expected`);
  if (method !== STORED && method !== DEFLATED) {
    fail(`${name}: expected it stored or deflated, found method ${method}; pack it anew`);
  }
  return { name, method, ...wide };
}

/** The sizes that need 64 bits stand in the extra field, in this order, if they are absent before. */
function zip64<T extends Record<"size" | "packed" | "local", number>>(extra: ByteReader, narrow: T): T {
  const wide = { ...narrow };
  while (extra.left >= 4) {
    const id = extra.u16();
    const field = new ByteReader(extra.take(extra.u16()), extra.place);
    if (id !== 1) continue;
    for (const key of ["size", "packed", "local"] as const) if (narrow[key] === ABSENT) wide[key] = field.u64();
  }
  return wide;
}

function dataOf(bytes: Uint8Array, { name, local, packed }: CentralHeader, end: number): Uint8Array {
  const reader = new ByteReader(bytes.subarray(0, end), `zip: ${name}`);
  if (local > end) fail(`${name}: begins at byte ${local}, beyond the entries' end at ${end}`);
  reader.at = local;
  if (reader.u32() !== LOCAL) reader.fail("expected the header of an entry");
  reader.take(22);
  const nameLength = reader.u16();
  reader.take(reader.u16() + nameLength);
  return reader.take(packed);
}

function fail(problem: string): never {
  throw new PspnetError("format", `zip: ${problem}`);
}
