import { PspnetError } from "./error.js";

/** Reads numbers and views off bytes one after the other, and never beyond them. */
export class ByteReader {
  readonly #view: DataView;

  /**
   * @param place What the bytes are, for messages.
   * @param at The next byte to read.
   */
  constructor(
    readonly bytes: Uint8Array,
    readonly place: string,
    public at = 0,
    readonly littleEndian = true,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get left(): number {
    return this.bytes.byteLength - this.at;
  }

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), this.littleEndian);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), this.littleEndian);
  }

  i32(): number {
    return this.#view.getInt32(this.#take(4), this.littleEndian);
  }

  f64(): number {
    return this.#view.getFloat64(this.#take(8), this.littleEndian);
  }

  /** A number of 64 bits; beyond 2^53 it is rounded, and larger than any file. */
  u64(): number {
    return Number(this.#view.getBigUint64(this.#take(8), this.littleEndian));
  }

  /** The next bytes, a view. */
  take(count: number): Uint8Array {
    const at = this.#take(count);
    return this.bytes.subarray(at, at + count);
  }

  /** The next bytes up to a line feed, without it. */
  line(): Uint8Array {
    const end = this.bytes.indexOf(0x0a, this.at);
    if (end < 0) this.fail("expected a line feed, found the end; the file is cut off");
    const line = this.take(end - this.at);
    this.at++;
    return line;
  }

  fail(problem: string): never {
    throw new PspnetError("format", `${this.place}, byte ${this.at}: ${problem}`);
  }

  #take(count: number): number {
    const { at } = this;
    // Written so that it holds for NaN too.
    if (!(count >= 0 && count <= this.left)) {
      this.fail(`expected ${count} more bytes, found ${Math.max(0, this.left)}; the file is cut off or damaged`);
    }
    this.at += count;
    return at;
  }
}

/** Text as Latin-1, which any bytes are. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

/** Text as UTF-8, or null where the bytes are none. */
export function utf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
