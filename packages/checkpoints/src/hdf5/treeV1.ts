// B-trees of version 1: format specification, III.A.1
import { PspnetError } from "../error.js";
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

/** What the nodes of a tree hold. */
export interface TreeV1<Key> {
  readonly type: 0 | 1;
  readonly place: string;
  readonly key: (reader: Hdf5Reader) => Key;
}

/** The children of the leaves with the keys before them. */
export function* leavesOf<Key>(
  file: Hdf5File,
  address: number,
  tree: TreeV1<Key>,
  level?: number,
): Generator<{ readonly key: Key; readonly child: number }> {
  const node = file.read(address, tree.place, (reader) => nodeAt(reader, tree));
  if (level !== undefined && node.level !== level) {
    const { place } = tree;
    throw new PspnetError("format", `${place}: expected a node of level ${level}, found one of ${node.level}`);
  }
  for (const entry of node.entries) {
    if (node.level === 0) yield entry;
    else yield* leavesOf(file, entry.child, tree, node.level - 1);
  }
}

function nodeAt<Key>(reader: Hdf5Reader, { type, key }: TreeV1<Key>) {
  reader.signature("TREE");
  const found = reader.u8();
  if (found !== type) reader.fail(`expected a tree of type ${type}, found ${found}`);
  const level = reader.u8();
  const used = reader.u16();
  reader.address();
  reader.address();
  const entries: { key: Key; child: number }[] = [];
  for (let i = 0; i < used; i++) entries.push({ key: key(reader), child: reader.pointer() });
  return { level, entries };
}
