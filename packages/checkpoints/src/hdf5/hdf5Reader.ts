import { ByteReader } from "../byteReader.js";

/** How many bytes a file's addresses and lengths take: 2, 4 or 8. */
export interface Widths {
  readonly address: number;
  readonly length: number;
}

/** Reads the numbers of HDF5's structures, all little-endian. */
export class Hdf5Reader extends ByteReader {
  constructor(
    bytes: Uint8Array,
    place: string,
    readonly widths: Widths,
    at = 0,
  ) {
    super(bytes, place, at);
  }

  /** A number of so many bytes, up to 8; beyond 2^53 it is rounded. */
  uint(width: number): number {
    return this.take(width).reduceRight((value, byte) => value * 256 + byte, 0);
  }

  /** Null where there is none: all bits are set. */
  address(): number | null {
    const at = this.at;
    if (this.take(this.widths.address).every((byte) => byte === 255)) return null;
    this.at = at;
    return this.uint(this.widths.address);
  }

  length(): number {
    return this.uint(this.widths.length);
  }

  /** An address that must be there. */
  pointer(): number {
    return this.address() ?? this.fail("expected an address, found none");
  }

  /** The four letters that a structure begins with. */
  signature(letters: string): void {
    const { at } = this;
    const found = String.fromCharCode(...this.take(letters.length));
    if (found === letters) return;
    this.at = at;
    this.fail(`expected ${letters}, found ${JSON.stringify(found)}; the file is damaged`);
  }

  /** A version, one of these. */
  version(...known: readonly number[]): number {
    const version = this.u8();
    if (!known.includes(version)) this.fail(`expected version ${known.join(" or ")}, found ${version}`);
    return version;
  }

  /** A reader of the next bytes alone. */
  part(count: number): Hdf5Reader {
    const { at } = this;
    this.take(count);
    return new Hdf5Reader(this.bytes.subarray(0, this.at), this.place, this.widths, at);
  }
}
