// Files of torch.save before 1.6: pickles one after the other, then the storages.
import { ByteReader } from "../byteReader.js";
import { ELEMENT_SIZE } from "../elements.js";
import { PspnetError } from "../error.js";
import { namedTensors } from "../pickle/namedTensors.js";
import { storageReference, TORCH, type TorchStorage } from "../pickle/torch.js";
import { unpickle } from "../pickle/unpickler.js";
import { textOf } from "../pickle/values.js";
import type { Format } from "./format.js";

const MAGIC = 0x1950a86a20f9469cfc6cn;
const VERSION = 1001;

export const torchLegacy: Format = {
  recognises(bytes) {
    if (bytes[0] !== 0x80) return false;
    try {
      return unpickle(new ByteReader(bytes.subarray(0, 64), "magic"), { globals: {} }) === MAGIC;
    } catch {
      return false;
    }
  },
  read(bytes) {
    const reader = new ByteReader(bytes, "pickle");
    const next = () => unpickle(reader, { globals: TORCH });
    next();
    const version = next();
    if (version !== VERSION)
      throw new PspnetError(
        "format",
        `expected version ${VERSION}, found ${typeof version === "number" ? version : typeof version}`,
      );
    const system = next();
    const bigEndian = system instanceof Map && system.get("little_endian") === false;
    const storages = new Map<string, Storage>();
    const root = unpickle(reader, { globals: TORCH, persistent: (id) => storageOf(id, storages, bigEndian) });
    const keys = next();
    if (!Array.isArray(keys)) throw new PspnetError("format", "expected a list of the storages");
    for (const key of keys) storages.get(textOf(key) ?? "")?.readFrom(reader);
    return { format: "torch.save before 1.6", ...namedTensors(root) };
  },
};

/** A storage that is named before it comes. */
class Storage implements TorchStorage {
  #bytes: Uint8Array | undefined;

  constructor(
    readonly key: string,
    readonly dtype: TorchStorage["dtype"],
    readonly count: number,
    readonly bigEndian: boolean,
  ) {}

  get byteLength(): number {
    return this.count * ELEMENT_SIZE[this.dtype];
  }

  readonly bytes = (): Uint8Array => {
    if (!this.#bytes) throw new PspnetError("format", `storage ${this.key}: expected its data, found none in the file`);
    return this.#bytes;
  };

  /** The number of elements, then those. */
  readFrom(reader: ByteReader): void {
    const { key, count } = this;
    if (this.#bytes) reader.fail(`expected the storage ${key} once`);
    const found = reader.u64();
    if (found !== count) reader.fail(`storage ${key}: expected ${count} elements, found ${found}`);
    this.#bytes = reader.take(this.byteLength);
  }
}

function storageOf(id: unknown, storages: Map<string, Storage>, bigEndian: boolean): TorchStorage {
  const { dtype, key, count, view } = storageReference(id);
  const storage = storages.get(key) ?? new Storage(key, dtype, count, bigEndian);
  storages.set(key, storage);
  if (view === null) return storage;
  const [, offset, size] = Array.isArray(view) ? view : [];
  if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(size) || offset < 0 || offset + size > count) {
    throw new PspnetError("format", `storage ${key}: expected a part of its ${count} elements`);
  }
  const [begin, end] = [offset, offset + size].map((n) => n * ELEMENT_SIZE[dtype]);
  return { dtype, byteLength: end - begin, bigEndian, bytes: () => storage.bytes().subarray(begin, end) };
}
