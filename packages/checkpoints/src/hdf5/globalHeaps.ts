// Global heaps, where text of any length stands: format specification, III.E
import type { Hdf5File } from "./hdf5File.js";

/** The heaps of a file. What they hold is given once, so that few bytes cannot be many texts. */
export class GlobalHeaps {
  readonly #heaps = new Map<number, Map<number, Uint8Array>>();

  constructor(readonly file: Hdf5File) {}

  /** The object of that number in the heap at `address`, null where there is none or it was given. */
  object(address: number, number: number): Uint8Array | null {
    const heap = this.#heaps.get(address) ?? this.#read(address);
    this.#heaps.set(address, heap);
    const bytes = heap.get(number) ?? null;
    heap.delete(number);
    return bytes;
  }

  #read(address: number): Map<number, Uint8Array> {
    return this.file.read(address, "global heap", (whole) => {
      const { at } = whole;
      whole.signature("GCOL");
      whole.version(1);
      whole.take(3);
      const size = whole.length();
      const reader = whole.part(at + size - whole.at);
      const found = new Map<number, Uint8Array>();
      while (reader.left >= 8 + reader.widths.length) {
        const number = reader.u16();
        reader.take(6);
        const length = reader.length();
        if (number === 0) break;
        found.set(number, reader.take(length));
        reader.take(Math.min(reader.left, (8 - (length % 8)) % 8));
      }
      return found;
    });
  }
}
