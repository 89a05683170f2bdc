// What fixed and extensible arrays of chunks share: format specification, VII.C and VII.D
import type { Grid, StoredChunk } from "./chunks.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

/** How an array's entries are read. */
export interface Entries {
  readonly read: (reader: Hdf5Reader) => StoredChunk | null;
  /** Bytes of one. */
  readonly size: number;
  /** Entries of a page, of which longer blocks are made. */
  readonly page: number;
}

/** Bytes of the checksum after a block and after each page. */
const SUM = 4;

/** The beginning of an array's header, which says how large its entries are. */
export function arrayHead(
  reader: Hdf5Reader,
  signature: string,
  { filtered, byteLength }: Grid,
): Pick<Entries, "read" | "size"> {
  reader.signature(signature);
  reader.version(0);
  if ((reader.u8() === 1) !== filtered) reader.fail("expected an array of the chunks that the filters give");
  const size = reader.u8();
  const sizeWidth = size - reader.widths.address - 4;
  if (filtered ? sizeWidth < 1 || sizeWidth > 8 : size !== reader.widths.address) {
    reader.fail(`expected entries of addresses, found ones of ${size} bytes`);
  }
  const read = (one: Hdf5Reader) => {
    const address = one.address();
    const stored = filtered ? { byteLength: one.uint(sizeWidth), mask: one.u32() } : { byteLength, mask: 0 };
    return address === null ? null : { address, ...stored };
  };
  return { read, size };
}

/** Which pages are there, by the next bytes. */
export function pageBits(reader: Hdf5Reader, bytes: number): (page: number) => boolean {
  const bitmap = reader.part(bytes).bytes.subarray(reader.at - bytes);
  return (page) => (bitmap[page >> 3] & (0x80 >> (page & 7))) !== 0;
}

/** The pages that a block of `count` entries is cut into; 0 where it is not. */
export function pagesOf(count: number, { page }: Pick<Entries, "page">): number {
  return count > page ? Math.ceil(count / page) : 0;
}

/** The `count` entries of a block whose header was read. */
export function pagedEntries(
  reader: Hdf5Reader,
  count: number,
  { entries, there }: { readonly entries: Entries; readonly there: (page: number) => boolean },
): (StoredChunk | null)[] {
  const { read, size, page } = entries;
  const pages = pagesOf(count, entries);
  const found: (StoredChunk | null)[] = [];
  const some = (n: number, stored: boolean) => {
    const part = reader.part(n * size);
    for (let i = 0; i < n; i++) found.push(stored ? read(part) : null);
    reader.take(SUM);
  };
  if (pages === 0) some(count, true);
  else reader.take(SUM);
  for (let i = 0; i < pages; i++) some(Math.min(page, count - i * page), there(i));
  return found;
}
