// Groups: format specification, III.C, III.D, IV.A.2.g and IV.A.2.r
import { latin1, utf8 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import { NAME_MAX } from "../limits.js";
import { denseLinks } from "./denseLinks.js";
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";
import { MESSAGE, type ObjectHeader } from "./objectHeader.js";
import { leavesOf } from "./treeV1.js";

export interface Link {
  readonly name: string;
  /** Of the object's header. */
  readonly address: number;
}

/** What a group holds; nothing, where the object is no group. */
export function* linksOf(file: Hdf5File, header: ObjectHeader): Generator<Link> {
  const table = header.one(MESSAGE.symbolTable);
  if (table) yield* symbolTable(file, table);
  for (const message of header.all(MESSAGE.link)) yield linkMessage(message);
  const info = header.one(MESSAGE.linkInfo);
  if (info) for (const message of denseLinks(file, info)) yield linkMessage(message);
}

const elsewhere =
  "expected groups and datasets, found a link that names another place; copy what it names into its place";
const HARD = 0;
const SOFT_IN_TABLE = 2;

function* symbolTable(file: Hdf5File, message: Hdf5Reader): Generator<Link> {
  const { place } = message;
  const tree = message.pointer();
  const heap = localHeap(file, message.pointer(), place);
  const key = (reader: Hdf5Reader) => reader.length();
  for (const { child } of leavesOf(file, tree, { type: 0, place, key })) {
    const entries = file.read(child, place, (reader) => {
      reader.signature("SNOD");
      reader.version(1);
      reader.take(1);
      return Array.from({ length: reader.u16() }, () => tableEntry(reader));
    });
    for (const { nameAt, address } of entries) yield { name: nameIn(heap, nameAt, place), address };
  }
}

function tableEntry(reader: Hdf5Reader): { nameAt: number; address: number } {
  const nameAt = reader.length();
  const address = reader.address();
  if (reader.u32() === SOFT_IN_TABLE || address === null) reader.fail(elsewhere);
  reader.take(20);
  return { nameAt, address };
}

function localHeap(file: Hdf5File, address: number, place: string): Uint8Array {
  const [size, data] = file.read(address, place, (reader) => {
    reader.signature("HEAP");
    reader.version(0);
    reader.take(3);
    const size = reader.length();
    reader.length();
    return [size, reader.pointer()];
  });
  return file.data(data, size, place);
}

/** Up to a zero byte. */
function nameIn(heap: Uint8Array, at: number, place: string): string {
  const end = at < heap.byteLength ? heap.subarray(at, at + NAME_MAX + 1).indexOf(0) : -1;
  if (end < 0) {
    throw new PspnetError("format", `${place}: expected a name of at most ${NAME_MAX} bytes at byte ${at} of its heap`);
  }
  return textOf(heap.subarray(at, at + end));
}

function linkMessage(reader: Hdf5Reader): Link {
  reader.version(1);
  const flags = reader.u8();
  const type = flags & 8 ? reader.u8() : HARD;
  reader.take((flags & 4 ? 8 : 0) + (flags & 16 ? 1 : 0));
  const length = reader.uint(1 << (flags & 3));
  if (length > NAME_MAX) reader.fail(`expected a name of at most ${NAME_MAX} bytes, found ${length}`);
  const name = textOf(reader.take(length));
  if (type !== HARD) reader.fail(`${name}: ${elsewhere}`);
  return { name, address: reader.pointer() };
}

export function textOf(bytes: Uint8Array): string {
  return utf8(bytes) ?? latin1(bytes);
}
