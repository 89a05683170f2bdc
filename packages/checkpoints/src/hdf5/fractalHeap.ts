// Fractal heaps: format specification, III.G
import type { Hdf5File } from "./hdf5File.js";
import { Hdf5Reader } from "./hdf5Reader.js";
import { bytesFor } from "./treeV2.js";

interface Heap {
  readonly place: string;
  /** Blocks of a row. */
  readonly width: number;
  /** Bytes of a block of the first two rows; each row after has twice the one before. */
  readonly start: number;
  /** Bytes of the largest block of data. */
  readonly most: number;
  /** Bytes that a place in the heap takes. */
  readonly offsetWidth: number;
}

/** A block of data and where in the heap it begins. */
interface Block {
  readonly from: number;
  readonly bytes: Uint8Array;
}

/** Gives the object that an id in the heap at `address` names: a reader of its bytes alone. */
export function heapAt(file: Hdf5File, address: number, place: string): (id: Hdf5Reader) => Hdf5Reader {
  const { heap, root, rows, lengthWidth } = file.read(address, place, (reader) => header(reader, place));
  const blocks: Block[] = [];
  if (root !== null) {
    if (rows === 0) blocks.push(directBlock(file, heap, { address: root, from: 0, size: heap.start }));
    else collect(file, heap, { address: root, from: 0, rows, blocks });
  }
  return (id) => {
    if ((id.u8() & 0x30) !== 0) id.fail("expected an object among the heap's own, found a huge or tiny one");
    const at = id.uint(heap.offsetWidth);
    const length = id.uint(lengthWidth);
    const block = blocks.find(({ from, bytes }) => at >= from && at < from + bytes.byteLength);
    if (!block) return id.fail(`expected an object at byte ${at} of the heap, found no block of it`);
    return new Hdf5Reader(block.bytes, place, file.widths, at - block.from).part(length);
  };
}

function header(reader: Hdf5Reader, place: string) {
  reader.signature("FRHP");
  reader.version(0);
  reader.take(2);
  if (reader.u16() > 0) reader.fail("expected a heap that is not compressed");
  reader.take(1);
  const mostObject = reader.u32();
  reader.length();
  reader.address();
  reader.length();
  reader.address();
  for (let i = 0; i < 8; i++) reader.length();
  const width = reader.u16();
  const start = reader.length();
  const most = reader.length();
  const offsetWidth = Math.ceil(reader.u16() / 8);
  reader.take(2);
  const root = reader.address();
  const rows = reader.u16();
  reader.take(4);
  const powers = [start, most].every((size) => size > 0 && Number.isInteger(Math.log2(size)));
  if (!powers || width === 0 || most < start || offsetWidth > 8) reader.fail("expected blocks of sizes of a heap");
  const lengthWidth = Math.min(bytesFor(most), bytesFor(mostObject));
  return { heap: { place, width, start, most, offsetWidth }, root, rows, lengthWidth };
}

function directBlock(
  file: Hdf5File,
  { place }: Heap,
  { address, from, size }: { readonly address: number; readonly from: number; readonly size: number },
): Block {
  return file.read(address, place, (reader) => {
    const block = reader.part(size);
    block.signature("FHDB");
    return { from, bytes: block.bytes.subarray(address) };
  });
}

/** The blocks of data under a block of addresses. */
function collect(
  file: Hdf5File,
  heap: Heap,
  given: { readonly address: number; readonly from: number; readonly rows: number; readonly blocks: Block[] },
): void {
  const { width, start, most, offsetWidth, place } = heap;
  const { blocks } = given;
  const sizeOf = (row: number) => (row < 2 ? start : start * 2 ** (row - 1));
  const children = file.read(given.address, place, (reader) => {
    reader.signature("FHIB");
    reader.version(0);
    reader.address();
    reader.take(offsetWidth);
    let { from } = given;
    const found: { address: number | null; from: number; size: number }[] = [];
    for (let row = 0; row < given.rows; row++) {
      const size = sizeOf(row);
      for (let i = 0; i < width; i++, from += size) found.push({ address: reader.address(), from, size });
    }
    reader.take(4);
    return found;
  });
  for (const { address, from, size } of children) {
    if (address === null) continue;
    if (size <= most) blocks.push(directBlock(file, heap, { address, from, size }));
    else {
      const rows = Math.log2(size) - Math.log2(start * width) + 1;
      collect(file, heap, { address, from, rows, blocks });
    }
  }
}
