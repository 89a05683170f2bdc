import { heapAt } from "./fractalHeap.js";
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";
import { recordsOf } from "./treeV2.js";

/** Trees of links by the checksums of their names. */
const BY_NAME = 5;

/** The messages of links that a group keeps in a heap (format specification, IV.A.2.c), none where it keeps them itself. */
export function* denseLinks(file: Hdf5File, info: Hdf5Reader): Generator<Hdf5Reader> {
  info.version(0);
  if (info.u8() & 1) info.take(8);
  const heap = info.address();
  const tree = info.address();
  if (heap === null || tree === null) return;
  const { place } = info;
  const object = heapAt(file, heap, place);
  yield* recordsOf(file, tree, {
    type: BY_NAME,
    place,
    record: (reader) => {
      reader.take(4);
      return object(reader);
    },
  });
}
