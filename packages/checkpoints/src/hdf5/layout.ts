// How a dataset's elements are laid out: format specification, IV.A.2.i
import type { Hdf5Reader } from "./hdf5Reader.js";

export type ChunkIndex =
  | { readonly kind: "tree" }
  | { readonly kind: "single"; readonly filtered: { readonly byteLength: number; readonly mask: number } | null }
  | { readonly kind: "implicit" }
  | { readonly kind: "fixed array" }
  | { readonly kind: "extensible array" }
  | { readonly kind: "tree of version 2" };

export type Layout =
  | { readonly kind: "compact"; readonly bytes: Uint8Array }
  /** Old layouts leave the number of bytes to the shape. */
  | { readonly kind: "contiguous"; readonly address: number | null; readonly byteLength: number | null }
  | {
      readonly kind: "chunked";
      readonly address: number | null;
      /** Elements of a chunk along each dimension. */
      readonly chunk: readonly number[];
      /** Bytes of an element. */
      readonly size: number;
      readonly index: ChunkIndex;
    };

const COMPACT = 0;
const CONTIGUOUS = 1;
const CHUNKED = 2;

export function readLayout(reader: Hdf5Reader): Layout {
  const version = reader.version(1, 2, 3, 4, 5);
  return version < 3 ? oldLayout(reader) : newLayout(reader, version);
}

function oldLayout(reader: Hdf5Reader): Layout {
  const rank = reader.u8();
  const kind = reader.u8();
  reader.take(5);
  const address = kind === COMPACT ? null : reader.address();
  const sizes = Array.from({ length: rank }, () => reader.u32());
  if (kind === COMPACT) return { kind: "compact", bytes: reader.take(reader.u32()) };
  if (kind === CONTIGUOUS) return { kind: "contiguous", address, byteLength: null };
  if (kind !== CHUNKED) return unknown(reader, kind);
  return { kind: "chunked", address, chunk: sizes, size: reader.u32(), index: { kind: "tree" } };
}

function newLayout(reader: Hdf5Reader, version: number): Layout {
  const kind = reader.u8();
  if (kind === COMPACT) return { kind: "compact", bytes: reader.take(reader.u16()) };
  if (kind === CONTIGUOUS) return { kind: "contiguous", address: reader.address(), byteLength: reader.length() };
  if (kind !== CHUNKED) return unknown(reader, kind);
  if (version === 3) {
    const rank = reader.u8();
    const address = reader.address();
    const sizes = Array.from({ length: rank }, () => reader.u32());
    return { kind: "chunked", address, chunk: sizes.slice(0, -1), size: sizes[rank - 1], index: { kind: "tree" } };
  }
  const flags = reader.u8();
  if (flags & 1) reader.fail("expected all chunks filtered, found ones at the edge that are not");
  const rank = reader.u8();
  const width = reader.u8();
  if (width > 8) reader.fail(`expected sizes of at most 8 bytes, found ${width}`);
  const sizes = Array.from({ length: rank }, () => reader.uint(width));
  const index = readIndex(reader, (flags & 2) !== 0);
  return { kind: "chunked", address: reader.address(), chunk: sizes.slice(0, -1), size: sizes[rank - 1], index };
}

/** What stands before the address; how arrays are cut up is said by them, too. */
function readIndex(reader: Hdf5Reader, filteredAlone: boolean): ChunkIndex {
  const kind = reader.u8();
  if (kind === 1) {
    const filtered = filteredAlone ? { byteLength: reader.length(), mask: reader.u32() } : null;
    return { kind: "single", filtered };
  }
  if (kind === 2) return { kind: "implicit" };
  const rest = { 3: ["fixed array", 1], 4: ["extensible array", 5], 5: ["tree of version 2", 6] } as const;
  if (kind !== 3 && kind !== 4 && kind !== 5) return reader.fail(`expected an index of chunks, found kind ${kind}`);
  reader.take(rest[kind][1]);
  return { kind: rest[kind][0] };
}

function unknown(reader: Hdf5Reader, kind: number): never {
  return reader.fail(
    `expected elements that are compact, contiguous or in chunks, found layout ${kind} (virtual is 3)`,
  );
}
