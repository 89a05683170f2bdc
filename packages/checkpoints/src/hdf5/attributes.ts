// Attributes: format specification, IV.A.2.m
import { readShape } from "./dataspace.js";
import { readType } from "./datatype.js";
import { GlobalHeaps } from "./globalHeaps.js";
import type { Hdf5File } from "./hdf5File.js";
import type { Hdf5Reader } from "./hdf5Reader.js";
import { textOf } from "./links.js";
import { MESSAGE, type ObjectHeader } from "./objectHeader.js";

/** What an object says of itself in single texts, by name; numbers, lists and what stands in heaps of its own are left out. */
export class TextAttributes {
  readonly #heaps: GlobalHeaps;

  constructor(file: Hdf5File) {
    this.#heaps = new GlobalHeaps(file);
  }

  of(header: ObjectHeader): ReadonlyMap<string, string> {
    const found = new Map<string, string>();
    for (const message of header.all(MESSAGE.attribute)) {
      const { name, text } = this.#attribute(message);
      if (text !== null) found.set(name, text);
    }
    return found;
  }

  #attribute(reader: Hdf5Reader): { readonly name: string; readonly text: string | null } {
    const version = reader.version(1, 2, 3);
    const shared = reader.u8() !== 0 && version > 1;
    const sizes = [reader.u16(), reader.u16(), reader.u16()];
    if (version === 3) reader.u8();
    const [name, type, space] = sizes.map((size) => {
      const part = reader.part(size);
      if (version === 1) reader.take((8 - (size % 8)) % 8);
      return part;
    });
    const bytes = name.take(name.left);
    const text = shared || readShape(space).length > 0 ? null : this.#text(readType(type), reader);
    return { name: withoutEnd(bytes), text };
  }

  #text(type: ReturnType<typeof readType>, reader: Hdf5Reader): string | null {
    if (type.kind === "text") return withoutEnd(reader.take(type.size));
    if (type.kind !== "variable text") return null;
    const length = reader.u32();
    const heap = reader.address();
    const bytes = heap === null ? new Uint8Array() : this.#heaps.object(heap, reader.u32());
    return bytes && withoutEnd(bytes.subarray(0, length));
  }
}

/** Text up to its first zero byte. */
function withoutEnd(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return textOf(end < 0 ? bytes : bytes.subarray(0, end));
}
