// B-trees of version 2: format specification, III.A.2
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

interface Tree<T> {
  readonly place: string;
  readonly type: number;
  readonly nodeSize: number;
  readonly recordSize: number;
  readonly record: (reader: Hdf5Reader) => T;
  /** Bytes that a node's number of records takes. */
  readonly countWidth: number;
  /** Bytes that the number of records under a node takes, by its depth. */
  readonly totalWidths: readonly number[];
}

/** Bytes of a node beside records and pointers. */
const OVERHEAD = 10;
/** A tree of the least nodes is not as deep for any file. */
const DEPTH_MAX = 16;

/** The records of the tree whose header is at `address`; `record` reads one off a reader of its bytes alone. */
export function* recordsOf<T>(
  file: Hdf5File,
  address: number,
  { type, place, record }: Pick<Tree<T>, "type" | "place" | "record">,
): Generator<T> {
  const head = file.read(address, place, (reader) => {
    reader.signature("BTHD");
    reader.version(0);
    const found = reader.u8();
    if (found !== type) reader.fail(`expected a tree of type ${type}, found ${found}`);
    const nodeSize = reader.u32();
    const recordSize = reader.u16();
    const depth = reader.u16();
    if (recordSize === 0 || nodeSize < OVERHEAD + recordSize) reader.fail("expected nodes that hold records");
    if (depth > DEPTH_MAX) reader.fail(`expected a tree of at most ${DEPTH_MAX} levels, found ${depth}`);
    reader.take(2);
    const root = reader.address();
    const count = reader.u16();
    reader.length();
    reader.take(4);
    return { nodeSize, recordSize, depth, root, count };
  });
  const { nodeSize, recordSize, depth, root, count } = head;
  if (root === null) return;
  const widths = widthsOf(nodeSize, recordSize, { depth, address: file.widths.address });
  yield* below(file, { place, type, nodeSize, recordSize, record, ...widths }, { address: root, count, depth });
}

/** Counts take the bytes that the most records of a full node, or of all nodes under one, need. */
function widthsOf(
  nodeSize: number,
  recordSize: number,
  { depth, address }: { readonly depth: number; readonly address: number },
): Pick<Tree<unknown>, "countWidth" | "totalWidths"> {
  let most = Math.floor((nodeSize - OVERHEAD) / recordSize);
  let total = most;
  const countWidth = bytesFor(most);
  const totalWidths = [0];
  for (let level = 1; level <= depth; level++) {
    const pointer = address + countWidth + totalWidths[level - 1];
    most = Math.floor((nodeSize - OVERHEAD - pointer) / (recordSize + pointer));
    total = (most + 1) * total + most;
    totalWidths.push(bytesFor(total));
  }
  return { countWidth, totalWidths };
}

/** Bytes that a number takes. */
export function bytesFor(value: number): number {
  let width = 1;
  while (value >= 256 ** width && width < 8) width++;
  return width;
}

interface Node {
  readonly address: number;
  readonly count: number;
  readonly depth: number;
}

function* below<T>(file: Hdf5File, tree: Tree<T>, { address, count, depth }: Node): Generator<T> {
  const { place, type, nodeSize, recordSize, record, countWidth, totalWidths } = tree;
  const { records, children } = file.read(address, place, (whole) => {
    const reader = whole.part(nodeSize);
    reader.signature(depth === 0 ? "BTLF" : "BTIN");
    reader.version(0);
    if (reader.u8() !== type) reader.fail(`expected a node of type ${type}`);
    const records: T[] = [];
    for (let i = 0; i < count; i++) records.push(record(reader.part(recordSize)));
    const children: Node[] = [];
    for (let i = 0; depth > 0 && i <= count; i++) {
      const child = { address: reader.pointer(), count: reader.uint(countWidth), depth: depth - 1 };
      reader.take(totalWidths[depth - 1]);
      children.push(child);
    }
    return { records, children };
  });
  yield* records;
  for (const child of children) yield* below(file, tree, child);
}
