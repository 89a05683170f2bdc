import { inflateSync } from "node:zlib";
import { PspnetError } from "@pspnet/core";

/**
 * MATLAB's files of version 5 to 7 (MathWorks, "MAT-File Format", chapter 1): the numbers of one matrix in them. Version 7.3 is HDF5.
 */

const HEADER = 128;
/** Where the header says the version and the order of bytes: "IM" is little-endian. */
const ENDIAN = 126;
/** A label map of 100 million pixels as doubles; an element that claims more is none of a photograph's. */
const LARGEST = 800_000_000;

const ELEMENT = { matrix: 14, compressed: 15 } as const;
const CLASS = { cell: 1, struct: 2, object: 3, char: 4, sparse: 5, double: 6, uint64: 15 } as const;

/** How numbers of each type are stored. */
const READERS: Readonly<Record<number, { readonly bytes: number; read(view: DataView, at: number): number }>> = {
  1: { bytes: 1, read: (view, at) => view.getInt8(at) },
  2: { bytes: 1, read: (view, at) => view.getUint8(at) },
  3: { bytes: 2, read: (view, at) => view.getInt16(at, true) },
  4: { bytes: 2, read: (view, at) => view.getUint16(at, true) },
  5: { bytes: 4, read: (view, at) => view.getInt32(at, true) },
  6: { bytes: 4, read: (view, at) => view.getUint32(at, true) },
  7: { bytes: 4, read: (view, at) => view.getFloat32(at, true) },
  9: { bytes: 8, read: (view, at) => view.getFloat64(at, true) },
};

/** A matrix, column by column. */
export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

/**
 * The numbers at a path of names: a variable, then fields of structs.
 *
 * @param options.path is named in errors.
 * @throws PspnetError "data" for what is no such file, is cut off, or holds no such matrix.
 */
export function readMat(
  bytes: Uint8Array,
  { at, path }: { readonly at: readonly string[]; readonly path: string },
): Matrix {
  const fail = (found: string): never => {
    throw new PspnetError(
      "data",
      `${path}: expected a MATLAB file of version 5 to 7 with the matrix ${at.join(".")}, found ${found}`,
    );
  };
  try {
    const text = new TextDecoder("latin1").decode(bytes.subarray(0, ENDIAN + 2));
    if (text.startsWith("MATLAB 7.3")) return fail("one of version 7.3 (HDF5); save it with -v7");
    if (!text.startsWith("MATLAB 5.0") || !text.endsWith("IM")) return fail("another format");
    for (const variable of variables(bytes.subarray(HEADER))) {
      if (variable.name !== at[0]) continue;
      let found = variable;
      for (const name of at.slice(1)) found = fieldOf(found, name) ?? fail(`no field "${name}"`);
      return numbersOf(found) ?? fail("no full matrix of numbers there");
    }
    return fail(`no variable "${at[0]}"`);
  } catch (cause) {
    if (cause instanceof PspnetError) throw cause;
    return fail(`a broken or cut off one (${(cause as Error).message})`);
  }
}

interface Element {
  readonly type: number;
  readonly data: Uint8Array;
}

/** The elements one after the other; what is short enough stands in its tag. */
function* elements(bytes: Uint8Array): Generator<Element> {
  const view = viewOf(bytes);
  for (let at = 0; at + 8 <= bytes.length; ) {
    const tag = view.getUint32(at, true);
    const small = tag >>> 16;
    const [type, length, start] =
      small > 0 ? [tag & 0xffff, small, at + 4] : [tag, view.getUint32(at + 4, true), at + 8];
    if (start + length > bytes.length) throw new Error(`${length} bytes announced, ${bytes.length - start} there`);
    yield { type, data: bytes.subarray(start, start + length) };
    const end = small > 0 ? at + 8 : start + length;
    at = type === ELEMENT.compressed || small > 0 ? end : Math.ceil(end / 8) * 8;
  }
}

interface Variable {
  readonly name: string;
  readonly kind: number;
  readonly dimensions: readonly number[];
  /** What follows dimensions and name. */
  readonly rest: readonly Element[];
}

function* variables(bytes: Uint8Array): Generator<Variable> {
  for (const { type, data } of elements(bytes)) {
    const [inner] =
      type === ELEMENT.compressed ? elements(inflateSync(data, { maxOutputLength: LARGEST })) : [{ type, data }];
    if (inner?.type === ELEMENT.matrix) yield parseMatrix(inner.data);
  }
}

function parseMatrix(bytes: Uint8Array): Variable {
  const [flags, dimensions, name, ...rest] = elements(bytes);
  return {
    name: new TextDecoder("latin1").decode(name.data),
    kind: flags.data[0],
    dimensions: numbers(dimensions),
    rest,
  };
}

/** A field of a struct of one element. */
function fieldOf({ kind, dimensions, rest }: Variable, name: string): Variable | null {
  if ((kind !== CLASS.struct && kind !== CLASS.object) || dimensions.some((size) => size !== 1)) return null;
  const [longest, names, ...values] = kind === CLASS.object ? rest.slice(1) : rest;
  const [length] = numbers(longest);
  const text = new TextDecoder("latin1").decode(names.data);
  const fields = Array.from({ length: Math.floor(text.length / length) }, (_, i) =>
    text.slice(i * length, (i + 1) * length).replace(/\0.*$/s, ""),
  );
  const found = values[fields.indexOf(name)];
  return found ? parseMatrix(found.data) : null;
}

function numbersOf({ kind, dimensions, rest: [values] }: Variable): Matrix | null {
  const numeric = kind >= CLASS.double && kind <= CLASS.uint64;
  if (!numeric || dimensions.length !== 2 || values === undefined) return null;
  const [rows, columns] = dimensions;
  const read = numbers(values);
  if (read.length !== rows * columns) throw new Error(`${read.length} numbers for ${rows}x${columns}`);
  return { rows, columns, values: Float64Array.from(read) };
}

function numbers({ type, data }: Element): number[] {
  const reader = READERS[type];
  if (!reader) throw new Error(`numbers of type ${type}`);
  const view = viewOf(data);
  return Array.from({ length: Math.floor(data.length / reader.bytes) }, (_, i) => reader.read(view, i * reader.bytes));
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
