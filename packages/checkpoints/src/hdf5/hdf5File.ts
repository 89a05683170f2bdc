import { refuseBomb } from "../archive/inflate.js";
import { Places } from "../places.js";
import { Hdf5Reader, type Widths } from "./hdf5Reader.js";

/** A file whose parts are read once each. */
export class Hdf5File {
  readonly #places: Places;
  #unpacked = 0;

  /** @param bytes From the superblock on, which addresses count from. */
  constructor(
    readonly bytes: Uint8Array,
    readonly widths: Widths,
  ) {
    this.#places = new Places(bytes.byteLength);
  }

  /** What `parse` makes of the structure at `address`; all that it reads off is that structure's. */
  read<T>(address: number, place: string, parse: (reader: Hdf5Reader) => T): T {
    const reader = new Hdf5Reader(this.bytes, place, this.widths, address);
    const value = parse(reader);
    this.#places.take(address, reader.at, place);
    return value;
  }

  /** A view of data. */
  data(address: number, byteLength: number, place: string): Uint8Array {
    return this.read(address, place, (reader) => reader.take(byteLength));
  }

  /** @throws PspnetError "format" where what the file unpacks to, with these bytes, is more than weights can be. */
  unpacks(byteLength: number): void {
    this.#unpacked += byteLength;
    refuseBomb(this.bytes.byteLength, this.#unpacked);
  }

  /** @throws PspnetError "format" where parts that were read overlap. */
  checkApart(): void {
    this.#places.checkApart();
  }
}
