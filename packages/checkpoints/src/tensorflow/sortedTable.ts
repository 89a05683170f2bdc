// LevelDB's tables of sorted keys: https://github.com/google/leveldb/blob/main/doc/table_format.md
import { ByteReader } from "../byteReader.js";
import { maskedCrc32c } from "../checksums.js";
import { startsWith } from "../formats/format.js";
import { join } from "../pieces.js";
import { Places } from "../places.js";
import { readVarint } from "../protobufReader.js";

const FOOTER_SIZE = 48;
const MAGIC = "\x57\xfb\x80\x8b\x24\x75\x47\xdb";
/** What follows a block's content: how it is compressed, and a checksum of both. */
const TRAILER_SIZE = 5;
/** Keys share beginnings with the ones before, but every 16th stands whole; more than this, and the file was made to harm. */
const EXPANSION_MAX = 64;

export interface TableEntry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export function isSortedTable(bytes: Uint8Array): boolean {
  return bytes.length >= FOOTER_SIZE && startsWith(bytes, MAGIC, bytes.length - MAGIC.length);
}

/**
 * The entries in the order of their keys; values are views.
 *
 * @throws PspnetError "format" with the place, for tables that are cut off, damaged or compressed.
 */
export function* sortedTable(bytes: Uint8Array): Generator<TableEntry> {
  const footer = new ByteReader(bytes.subarray(bytes.length - FOOTER_SIZE), "the table's footer");
  const places = new Places(bytes.length);
  const read = (from: ByteReader) => {
    const [at, size] = [readVarint(from), readVarint(from)];
    const block = blockAt(bytes, at, size);
    places.take(at, at + size + TRAILER_SIZE, "a block of the table");
    return blockEntries(block, at);
  };
  // Of filters, which no checkpoint has.
  readVarint(footer);
  readVarint(footer);
  for (const { value } of read(footer)) yield* read(new ByteReader(value, "the table's index"));
}

function blockAt(bytes: Uint8Array, at: number, size: number): Uint8Array {
  const reader = new ByteReader(bytes, "the table");
  reader.take(at);
  const content = reader.take(size);
  const compression = reader.u8();
  const found = reader.u32();
  if (maskedCrc32c(bytes.subarray(at, at + size + 1)) !== found) {
    reader.fail("expected the block's checksum, found another; the file is damaged, fetch it again");
  }
  if (compression !== 0) {
    reader.fail(
      "expected plain blocks, found compressed ones (Snappy); save it anew with tf.train.Saver of TensorFlow 1",
    );
  }
  return content;
}

/** The end of a block lists where keys stand whole, which only who looks one up needs. */
function* blockEntries(content: Uint8Array, at: number): Generator<TableEntry> {
  const place = `the table's block at byte ${at}`;
  const end = new ByteReader(content, place);
  end.take(content.length - 4);
  const count = end.u32();
  if (count > content.length / 4 - 1) end.fail(`expected room for ${count} places of keys`);
  const reader = new ByteReader(content.subarray(0, content.length - 4 * (count + 1)), place);
  let key: Uint8Array = new Uint8Array();
  let expanded = 0;
  while (reader.left > 0) {
    const shared = readVarint(reader);
    const own = readVarint(reader);
    const length = readVarint(reader);
    if (shared > key.length) reader.fail(`expected a key of ${shared} bytes before, found ${key.length}`);
    expanded += shared;
    if (expanded > EXPANSION_MAX * content.length) reader.fail("its keys are longer than honest ones can be");
    key = join([key.subarray(0, shared), reader.take(own)]);
    yield { key, value: reader.take(length) };
  }
}
