// Filter pipelines: format specification, IV.A.2.l
import { inflateZlib } from "../archive/inflate.js";
import { PspnetError } from "../error.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

interface Filter {
  readonly id: number;
  /** What its writer was told. */
  readonly values: readonly number[];
}

const GZIP = 1;
const SHUFFLE = 2;
const FLETCHER32 = 3;
const NAMES: Readonly<Record<number, string>> = {
  4: "szip",
  5: "nbit",
  6: "scaleoffset",
  32000: "lzf",
  32001: "blosc",
};
/** Bytes of the sum. */
const SUM = 4;

/** The filters that chunks went through, in the writer's order. */
export function readFilters(reader: Hdf5Reader): readonly Filter[] {
  const version = reader.version(1, 2);
  const count = reader.u8();
  if (version === 1) reader.take(6);
  const filters = Array.from({ length: count }, () => readFilter(reader, version));
  for (const { id } of filters) {
    if (id === GZIP || id === SHUFFLE || id === FLETCHER32) continue;
    reader.fail(
      `expected chunks compressed with gzip, shuffle and fletcher32 alone, found ${NAMES[id] ?? `filter ${id}`}; write the file with those (h5repack)`,
    );
  }
  if (filters.filter(({ id }) => id === GZIP).length > 1) reader.fail("expected gzip once, found it twice");
  return filters;
}

function readFilter(reader: Hdf5Reader, version: number): Filter {
  const id = reader.u16();
  const named = version === 1 || id >= 256;
  const nameLength = named ? reader.u16() : 0;
  reader.take(2);
  const count = reader.u16();
  reader.take(version === 1 ? Math.ceil(nameLength / 8) * 8 : nameLength);
  const values = Array.from({ length: count }, () => reader.u32());
  if (version === 1 && count % 2 === 1) reader.take(4);
  return { id, values };
}

/**
 * A chunk's bytes as they were before the filters.
 *
 * @param chunk `mask` has a bit for each filter that it did not go through; `size` is what it unpacks to.
 * @throws PspnetError "format" where it does not, or its sum is wrong.
 */
export function unfiltered(
  filters: readonly Filter[],
  stored: Uint8Array,
  { mask, size, name }: { readonly mask: number; readonly size: number; readonly name: string },
): Uint8Array {
  const passed = filters.filter((_, i) => ((mask >>> i) & 1) === 0);
  let bytes = stored;
  passed.toReversed().forEach(({ id, values }, i) => {
    const before = passed.slice(0, passed.length - 1 - i);
    const sums = before.filter((filter) => filter.id === FLETCHER32).length;
    if (id === GZIP) bytes = inflateZlib(bytes, size + SUM * sums, name);
    else if (id === SHUFFLE) bytes = unshuffled(bytes, values[0] ?? 1);
    else bytes = withoutSum(bytes, name);
  });
  if (bytes.byteLength !== size) fail(name, `expected a chunk of ${size} bytes, found ${bytes.byteLength}`);
  return bytes;
}

/** First bytes of all elements stood together, then second ones ...; what is left over is as it was. */
function unshuffled(bytes: Uint8Array, width: number): Uint8Array {
  if (width <= 1) return bytes;
  const result = new Uint8Array(bytes);
  const count = Math.floor(bytes.byteLength / width);
  for (let byte = 0; byte < width && count > 0; byte++) {
    for (let i = 0; i < count; i++) result[i * width + byte] = bytes[byte * count + i];
  }
  return result;
}

function withoutSum(bytes: Uint8Array, name: string): Uint8Array {
  const end = bytes.byteLength - SUM;
  if (end < 0) fail(name, "expected a chunk with its sum, found fewer bytes");
  const data = bytes.subarray(0, end);
  const sum = new DataView(bytes.buffer, bytes.byteOffset + end, SUM).getUint32(0, true);
  if (fletcher32(data) !== sum) fail(name, "its sum (fletcher32) is wrong; the file is damaged, fetch it again");
  return data;
}

/** Of words of 16 bits, most significant byte first. */
function fletcher32(bytes: Uint8Array): number {
  const fold = (sum: number) => (sum & 0xffff) + (sum >>> 16);
  let first = 0;
  let second = 0;
  // So many words, whose sums fit in 32 bits, lie between two folds.
  for (let at = 0; at < bytes.byteLength; ) {
    const end = Math.min(bytes.byteLength, at + 2 * 360);
    for (; at < end; at += 2) {
      first += bytes[at] * 256 + (bytes[at + 1] ?? 0);
      second += first;
    }
    first = fold(first);
    second = fold(second);
  }
  return ((fold(second) << 16) | fold(first)) >>> 0;
}

function fail(name: string, problem: string): never {
  throw new PspnetError("format", `${name}: ${problem}`);
}
