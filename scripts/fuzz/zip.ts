/** Mutations of what zip archives hold, sizes and checksums made right. */
import { readZip } from "../../packages/checkpoints/src/archive/zip.js";
import { storedZipPieces } from "../../packages/checkpoints/src/archive/zipWriter.js";
import { concat, type Mutation, mutateBytes, pick } from "./bytes.js";

interface Entry {
  readonly name: string;
  readonly bytes: Uint8Array;
}

function entriesOf(bytes: Uint8Array): Entry[] | null {
  try {
    return [...readZip(bytes).values()].map((entry) => ({ name: entry.name, bytes: entry.bytes() }));
  } catch {
    return null;
  }
}

/** @param within Mutates an entry's content. */
export function mutateZip(within: Mutation): Mutation {
  return (bytes, random, others) => {
    const entries = entriesOf(bytes);
    if (!entries?.length) return mutateBytes(bytes, random, others);
    // The pickle is one entry among many storages.
    const pickle = entries.findIndex(({ name }) => name.endsWith(".pkl"));
    const at = pickle >= 0 && random.next() < 0.6 ? pickle : random.integer(0, entries.length);
    const { name, bytes: content } = entries[at];
    const other = pick(entries, random);
    const written = (changed: readonly Entry[]) => concat(...storedZipPieces(changed, { alignment: 64 }));
    switch (random.integer(0, 10)) {
      case 0:
        return written(entries.toSpliced(at, 1));
      case 1:
        return written(entries.with(at, { name, bytes: other.bytes }));
      case 2:
        return written(entries.toSpliced(at, 0, { name: `${name}.2`, bytes: content }));
      case 3:
        return written(entries.with(at, { name: other.name, bytes: content }));
      default: {
        const alike = (entriesOf(pick(others, random)) ?? entries).map((entry) => entry.bytes);
        return written(entries.with(at, { name, bytes: within(content, random, alike) }));
      }
    }
  };
}
