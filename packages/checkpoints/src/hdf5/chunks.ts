// Where a dataset's chunks are: format specification, IV.A.2.i and VII
import { arrayHead, pageBits, pagedEntries, pagesOf } from "./chunkArrays.js";
import { extensibleArray } from "./extensibleArray.js";
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";
import type { Layout } from "./layout.js";
import { leavesOf } from "./treeV1.js";
import { recordsOf } from "./treeV2.js";

/** Where a chunk's bytes are, and which filters it did not go through. */
export interface StoredChunk {
  readonly address: number;
  readonly byteLength: number;
  readonly mask: number;
}

/** A chunk and its place among them, along each dimension. */
export interface Chunk extends StoredChunk {
  readonly index: readonly number[];
}

export interface Grid {
  readonly place: string;
  /** Chunks along each dimension. */
  readonly counts: readonly number[];
  /** Bytes of a chunk unpacked. */
  readonly byteLength: number;
  readonly filtered: boolean;
}

const PLAIN = 10;
const FILTERED = 11;

/** The chunks that are stored; of those that stand in order the ones before the first that is not. */
export function* chunksOf(
  file: Hdf5File,
  { address, chunk, index }: Layout & { kind: "chunked" },
  grid: Grid,
): Generator<Chunk> {
  if (address === null) return;
  const { place, counts, byteLength, filtered } = grid;
  const rank = counts.length;
  if (index.kind === "tree") {
    const key = (reader: Hdf5Reader) => {
      const [size, mask] = [reader.u32(), reader.u32()];
      const offsets = Array.from({ length: rank }, (_, i) => reader.uint(8) / chunk[i]);
      reader.take(8);
      return { byteLength: size, mask, index: offsets };
    };
    for (const { key: found, child } of leavesOf(file, address, { type: 1, place, key })) {
      yield { ...found, address: child };
    }
  } else if (index.kind === "tree of version 2") {
    const record = (reader: Hdf5Reader) => {
      const stored = { address: reader.pointer(), byteLength, mask: 0 };
      if (filtered) {
        stored.byteLength = reader.uint(reader.left - 4 - 8 * rank);
        stored.mask = reader.u32();
      }
      return { ...stored, index: Array.from({ length: rank }, () => reader.uint(8)) };
    };
    yield* recordsOf(file, address, { type: filtered ? FILTERED : PLAIN, place, record });
  } else {
    let position = 0;
    for (const stored of inOrder(file, { address, index }, grid)) {
      if (stored === null) return;
      yield { ...stored, index: indexOf(position++, counts) };
    }
  }
}

/** Chunks one after the other, null from the first on that is not stored. */
function* inOrder(
  file: Hdf5File,
  { address, index }: Pick<Layout & { kind: "chunked" }, "index"> & { readonly address: number },
  grid: Grid,
): Generator<StoredChunk | null> {
  const { counts, byteLength } = grid;
  if (index.kind === "single") yield { address, byteLength, mask: 0, ...index.filtered };
  else if (index.kind === "implicit") {
    const count = counts.reduce((product, n) => product * n, 1);
    for (let i = 0; i < count; i++) yield { address: address + i * byteLength, byteLength, mask: 0 };
  } else if (index.kind === "fixed array") yield* fixedArray(file, address, grid);
  else yield* extensibleArray(file, address, grid);
}

/** Format specification, VII.C */
function* fixedArray(file: Hdf5File, address: number, grid: Grid): Generator<StoredChunk | null> {
  const { place } = grid;
  const { entries, block, count } = file.read(address, place, (reader) => {
    const entries = arrayHead(reader, "FAHD", grid);
    const bits = reader.u8();
    const count = reader.length();
    const block = reader.address();
    reader.take(4);
    return { entries: { ...entries, page: 2 ** bits }, block, count };
  });
  if (block === null) return;
  yield* file.read(block, place, (reader) => {
    reader.signature("FADB");
    reader.version(0);
    reader.take(1);
    reader.address();
    const there = pageBits(reader, Math.ceil(pagesOf(count, entries) / 8));
    return pagedEntries(reader, count, { entries, there });
  });
}

function indexOf(position: number, counts: readonly number[]): number[] {
  const index = counts.map(() => 0);
  for (let i = counts.length - 1, left = position; i >= 0; i--) {
    index[i] = left % counts[i];
    left = Math.floor(left / counts[i]);
  }
  return index;
}
