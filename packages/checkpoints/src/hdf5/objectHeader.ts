// Format specification, IV.A
import type { Hdf5File } from "./hdf5File.js";
import { Hdf5Reader } from "./hdf5Reader.js";

/** The kinds of messages that are read. */
export const MESSAGE = {
  dataspace: 0x01,
  linkInfo: 0x02,
  datatype: 0x03,
  link: 0x06,
  external: 0x07,
  layout: 0x08,
  filters: 0x0b,
  attribute: 0x0c,
  symbolTable: 0x11,
} as const;

const CONTINUATION = 0x10;
const SHARED = 2;
/** As many as version 1 can count. */
const MESSAGES_MAX = 0xffff;

interface Message {
  readonly type: number;
  readonly shared: boolean;
  readonly at: number;
  readonly end: number;
}

/** What a header says of a group or a dataset, message by message. */
export class ObjectHeader {
  readonly #file: Hdf5File;
  readonly #messages: Message[] = [];

  /** @param name Of the object, for messages. */
  constructor(
    file: Hdf5File,
    address: number,
    readonly name: string,
  ) {
    this.#file = file;
    const place = `${name}: header`;
    const chunk = file.read(address, place, (reader) => {
      const version = reader.bytes[reader.at];
      return version === 1 ? this.#version1(reader) : this.#version2(reader);
    });
    // The list grows while it is gone through.
    for (const { type, at, end } of this.#messages) {
      if (type !== CONTINUATION) continue;
      const body = this.#reader(at, end);
      const next = body.pointer();
      const length = body.length();
      file.read(next, place, (reader) => {
        const part = reader.part(length);
        if (chunk.version === 2) {
          part.signature("OCHK");
          this.#collect(part.part(part.left - 4), chunk);
        } else this.#collect(part, chunk);
      });
    }
  }

  has(type: number): boolean {
    return this.#messages.some((message) => message.type === type);
  }

  /** Readers of the messages of a type. */
  all(type: number): Hdf5Reader[] {
    return this.#messages
      .filter((message) => message.type === type)
      .map(({ shared, at, end }) => {
        const reader = this.#reader(at, end);
        return shared
          ? reader.fail(`expected a message of type ${type}, found one that another object shares`)
          : reader;
      });
  }

  /** A reader of the message of a type that is there once, or undefined. */
  one(type: number): Hdf5Reader | undefined {
    return this.all(type)[0];
  }

  #reader(at: number, end: number): Hdf5Reader {
    return new Hdf5Reader(this.#file.bytes.subarray(0, end), `${this.name}: header`, this.#file.widths, at);
  }

  #version1(reader: Hdf5Reader): Chunk {
    reader.take(8);
    const size = reader.u32();
    reader.take(4);
    const chunk = { version: 1, ordered: false };
    this.#collect(reader.part(size), chunk);
    return chunk;
  }

  #version2(reader: Hdf5Reader): Chunk {
    reader.signature("OHDR");
    reader.version(2);
    const flags = reader.u8();
    reader.take((flags & 0x20 ? 16 : 0) + (flags & 0x10 ? 4 : 0));
    const chunk = { version: 2, ordered: (flags & 4) !== 0 };
    this.#collect(reader.part(reader.uint(1 << (flags & 3))), chunk);
    reader.take(4);
    return chunk;
  }

  #collect(reader: Hdf5Reader, { version, ordered }: Chunk): void {
    const head = version === 1 ? 8 : ordered ? 6 : 4;
    while (reader.left >= head) {
      const type = version === 1 ? reader.u16() : reader.u8();
      const size = reader.u16();
      const shared = (reader.u8() & SHARED) !== 0;
      reader.take(version === 1 ? 3 : ordered ? 2 : 0);
      const { at } = reader;
      reader.take(size);
      if (type !== 0) this.#messages.push({ type, shared, at, end: reader.at });
      if (this.#messages.length > MESSAGES_MAX) reader.fail(`expected at most ${MESSAGES_MAX} messages of an object`);
    }
  }
}

/** How messages stand in the pieces of a header. */
interface Chunk {
  readonly version: number;
  /** Whether each says when it was made. */
  readonly ordered: boolean;
}
