// Extensible arrays of chunks: format specification, VII.D
import { arrayHead, type Entries, pageBits, pagedEntries, pagesOf } from "./chunkArrays.js";
import type { Grid, StoredChunk } from "./chunks.js";
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

interface Extensible {
  readonly entries: Entries;
  /** Entries that the index block has itself. */
  readonly own: number;
  /** Entries of the smallest data block. */
  readonly least: number;
  /** Data blocks of the smallest secondary block. */
  readonly leastPointers: number;
  /** Bytes that a place in the array takes. */
  readonly offsetWidth: number;
  /** Secondary blocks, those included that the index block stands for. */
  readonly levels: number;
  /** Entries up to the last that is set. */
  readonly count: number;
  readonly index: number | null;
}

/** Data blocks of level s are 2^(s/2), rounded down, of 2^((s+1)/2) times the least entries, rounded down too. */
const blocksOf = (level: number) => 2 ** Math.floor(level / 2);
const entriesOf = (level: number, least: number) => 2 ** Math.floor((level + 1) / 2) * least;

/** Chunks in order, null from the first on that is not stored. */
export function* extensibleArray(file: Hdf5File, address: number, grid: Grid): Generator<StoredChunk | null> {
  const { place } = grid;
  const array = file.read(address, place, (reader) => header(reader, grid));
  if (array.index === null) return;
  const { own, blocks, secondary } = file.read(array.index, place, (reader) => indexBlock(reader, array));
  yield* own;
  let left = array.count - own.length;
  const level = { value: 0, block: 0 };
  for (const block of blocks) {
    const count = entriesOf(level.value, array.least);
    if (left > 0) yield* dataBlock(file, block, { array, count, place, there: () => true });
    left -= count;
    if (++level.block === blocksOf(level.value)) Object.assign(level, { value: level.value + 1, block: 0 });
  }
  for (const [i, at] of secondary.entries()) {
    if (left <= 0) return;
    yield* secondaryBlock(file, at, { array, level: level.value + i, place });
    left -= blocksOf(level.value + i) * entriesOf(level.value + i, array.least);
  }
}

function header(reader: Hdf5Reader, grid: Grid): Extensible {
  const entries = arrayHead(reader, "EAHD", grid);
  const [bits, own, least, leastPointers, page] = Array.from({ length: 5 }, () => reader.u8());
  const powers = [least, leastPointers].every((n) => n > 0 && Number.isInteger(Math.log2(n)));
  if (bits > 64 || !powers) reader.fail("expected an array whose blocks double");
  for (let i = 0; i < 4; i++) reader.length();
  const count = reader.length();
  reader.length();
  const index = reader.address();
  reader.take(4);
  return {
    entries: { ...entries, page: 2 ** page },
    own,
    least,
    leastPointers,
    offsetWidth: Math.ceil(bits / 8),
    levels: 1 + bits - Math.log2(least),
    count,
    index,
  };
}

function indexBlock(reader: Hdf5Reader, { entries, own, leastPointers, levels }: Extensible) {
  blockHead(reader, "EAIB", 0);
  const direct = 2 * (leastPointers - 1);
  const first = 2 * Math.log2(leastPointers);
  const found = {
    own: Array.from({ length: own }, () => entries.read(reader)),
    blocks: Array.from({ length: direct }, () => reader.address()),
    secondary: Array.from({ length: Math.max(0, levels - first) }, () => reader.address()),
  };
  reader.take(4);
  return found;
}

function blockHead(reader: Hdf5Reader, signature: string, offsetWidth: number): void {
  reader.signature(signature);
  reader.version(0);
  reader.take(1);
  reader.address();
  reader.take(offsetWidth);
}

interface DataBlock {
  readonly array: Extensible;
  readonly count: number;
  readonly place: string;
  readonly there: (page: number) => boolean;
}

function* dataBlock(
  file: Hdf5File,
  address: number | null,
  { array, count, place, there }: DataBlock,
): Generator<StoredChunk | null> {
  const { entries, offsetWidth } = array;
  if (address === null) return yield null;
  yield* file.read(address, place, (reader) => {
    blockHead(reader, "EADB", offsetWidth);
    return pagedEntries(reader, count, { entries, there });
  });
}

function* secondaryBlock(
  file: Hdf5File,
  address: number | null,
  { array, level, place }: { readonly array: Extensible; readonly level: number; readonly place: string },
): Generator<StoredChunk | null> {
  if (address === null) return yield null;
  const { entries, offsetWidth } = array;
  const [blocks, count] = [blocksOf(level), entriesOf(level, array.least)];
  const pages = pagesOf(count, entries);
  const { there, addresses } = file.read(address, place, (reader) => {
    blockHead(reader, "EASB", offsetWidth);
    // Each block has whole bytes for its pages here, and yet their bits follow each other without a gap.
    const there = pageBits(reader, blocks * Math.ceil(pages / 8));
    const part = reader.part(blocks * reader.widths.address);
    reader.take(4);
    return { there, addresses: Array.from({ length: blocks }, () => part.address()) };
  });
  for (const [i, at] of addresses.entries()) {
    yield* dataBlock(file, at, { array, count, place, there: (page) => there(i * pages + page) });
  }
}
