import { PspnetError } from "../error.js";
import { rowMajor, tensorOf } from "../storedArray.js";
import type { StateTensor } from "../tensor.js";
import { type Chunk, chunksOf } from "./chunks.js";
import { readShape } from "./dataspace.js";
import { readType } from "./datatype.js";
import { readFilters, unfiltered } from "./filters.js";
import type { Hdf5File } from "./hdf5File.js";
import { type Layout, readLayout } from "./layout.js";
import { MESSAGE, type ObjectHeader } from "./objectHeader.js";

/**
 * A dataset as a tensor, whose chunks are unpacked when its values are asked for.
 *
 * @throws PspnetError "format" for elements that are no numbers, data outside the file, and chunks that do not fit the shape.
 */
export function tensorOfDataset(file: Hdf5File, header: ObjectHeader): StateTensor {
  const { name } = header;
  const [space, type, layout] = [MESSAGE.dataspace, MESSAGE.datatype, MESSAGE.layout].map((kind) => header.one(kind));
  if (!space || !type || !layout) fail(name, "expected a dataset's shape, type and layout");
  const elements = readType(type);
  if (elements.kind !== "number") {
    fail(name, `expected numbers, found elements of type ${elements.kind === "other" ? elements.what : elements.kind}`);
  }
  if (header.has(MESSAGE.external)) fail(name, "expected its data in the file, found them in another");
  const { dtype, bigEndian, size } = elements;
  const shape = readShape(space);
  const byteLength = shape.reduce((product, n) => product * n, size);
  const array = { name, dtype, bigEndian, shape, byteLength };
  // An array of sizes that cannot be fails here, before its data are looked for.
  tensorOf({ ...array, bytes: () => new Uint8Array() });
  const found = storedIn(file, header, { shape, size, byteLength, layout: readLayout(layout) });
  return tensorOf({
    ...array,
    byteLength: found?.byteLength ?? byteLength,
    bytes: found?.bytes ?? (() => unwritten(name)),
  });
}

interface Elements {
  readonly shape: readonly number[];
  /** Bytes of an element. */
  readonly size: number;
  readonly byteLength: number;
}

interface Stored {
  readonly byteLength: number;
  readonly bytes: () => Uint8Array;
}

/** Null where some of the data were never written. */
function storedIn(
  file: Hdf5File,
  header: ObjectHeader,
  { layout, ...elements }: Elements & { readonly layout: Layout },
): Stored | null {
  if (layout.kind === "chunked") return storedInChunks(file, header, { layout, ...elements });
  if (header.has(MESSAGE.filters)) fail(header.name, "expected filters of chunks alone");
  if (layout.kind === "compact") return viewed(layout.bytes);
  const { address, byteLength } = layout;
  return address === null ? null : viewed(file.data(address, byteLength ?? elements.byteLength, header.name));
}

function viewed(bytes: Uint8Array): Stored {
  return { byteLength: bytes.byteLength, bytes: () => bytes };
}

interface PlacedChunk extends Chunk {
  readonly stored: Uint8Array;
}

function storedInChunks(
  file: Hdf5File,
  header: ObjectHeader,
  { layout, shape, size, byteLength }: Elements & { readonly layout: Layout & { kind: "chunked" } },
): Stored | null {
  const { name } = header;
  const { chunk } = layout;
  if (layout.size !== size) fail(name, `expected chunks of elements of ${size} bytes, found ${layout.size}`);
  if (chunk.length === 0 || chunk.length !== shape.length || !chunk.every((n) => n > 0)) {
    fail(name, `expected chunks of as many dimensions as [${shape}], found [${chunk}]`);
  }
  const message = header.one(MESSAGE.filters);
  const filters = message ? readFilters(message) : [];
  const counts = shape.map((n, i) => Math.ceil(n / chunk[i]));
  const chunkSize = chunk.reduce((product, n) => product * n, size);
  const grid = { place: name, counts, byteLength: chunkSize, filtered: filters.length > 0 };
  const expected = counts.reduce((product, n) => product * n, 1);
  const strides = rowMajor(counts);
  const found = new Map<number, PlacedChunk>();
  for (const one of chunksOf(file, layout, grid)) {
    if (!one.index.every((at, i) => Number.isInteger(at) && at < counts[i])) {
      fail(name, `found a chunk at [${one.index}] of a grid of [${counts}]; the file is damaged`);
    }
    if (filters.length === 0 && one.byteLength !== chunkSize) {
      fail(name, `expected a chunk of ${chunkSize} bytes, found ${one.byteLength}`);
    }
    const position = one.index.reduce((sum, at, i) => sum + at * strides[i], 0);
    if (found.has(position)) fail(name, `found the chunk at [${one.index}] twice; the file is damaged`);
    found.set(position, { ...one, stored: file.data(one.address, one.byteLength, name) });
    if (filters.length > 0) file.unpacks(chunkSize);
  }
  if (found.size < expected) return null;
  const unpacked = ({ stored, mask }: PlacedChunk) => unfiltered(filters, stored, { mask, size: chunkSize, name });
  return {
    byteLength,
    bytes() {
      const whole = new Uint8Array(byteLength);
      for (const one of found.values()) insert(unpacked(one), whole, { shape, chunk, size, index: one.index });
      return whole;
    },
  };
}

/** Copies a chunk's rows to their places; what reaches beyond the shape is left out. */
function insert(
  bytes: Uint8Array,
  whole: Uint8Array,
  {
    shape,
    chunk,
    size,
    index,
  }: Pick<Elements, "shape" | "size"> & { chunk: readonly number[]; index: readonly number[] },
): void {
  const corner = index.map((at, i) => at * chunk[i]);
  const extent = chunk.map((n, i) => Math.min(n, shape[i] - corner[i]));
  const row = extent[extent.length - 1] * size;
  const rows = extent.slice(0, -1).reduce((product, n) => product * n, 1);
  const [fromStrides, toStrides] = [chunk, shape].map((sizes) => rowMajor(sizes).map((stride) => stride * size));
  const at = extent.map(() => 0);
  for (let i = 0; i < rows; i++) {
    const from = at.reduce((sum, n, d) => sum + n * fromStrides[d], 0);
    const to = at.reduce((sum, n, d) => sum + (n + corner[d]) * toStrides[d], 0);
    whole.set(bytes.subarray(from, from + row), to);
    for (let d = at.length - 2; d >= 0 && ++at[d] === extent[d]; d--) at[d] = 0;
  }
}

function unwritten(name: string): never {
  fail(name, "expected its values, found that they, or some chunks of them, were never written");
}

function fail(name: string, problem: string): never {
  throw new PspnetError("format", `${name}: ${problem}`);
}
