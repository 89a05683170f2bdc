// https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
import { ByteReader, latin1 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import { startsWith } from "../formats/format.js";
import { NUMPY, NumpyArray, NumpyType } from "./numpy.js";
import { PYTHON } from "./python.js";
import { unpickle } from "./unpickler.js";

const SIGNATURE = "\x93NUMPY";

export function isNpy(bytes: Uint8Array): boolean {
  return startsWith(bytes, SIGNATURE);
}

/**
 * What `numpy.save` wrote: an array, or the pickled one of an object, such as a dictionary.
 *
 * @throws PspnetError "format" for a header that is none, or an array of records.
 */
export function readNpy(bytes: Uint8Array): unknown {
  if (!isNpy(bytes)) throw new PspnetError("format", "npy: expected NumPy's signature, found none");
  const reader = new ByteReader(bytes, "npy", SIGNATURE.length);
  const major = reader.u8();
  reader.u8();
  const header = latin1(reader.take(major === 1 ? reader.u16() : reader.u32()));
  const field = (name: string, value: string) => new RegExp(`'${name}':\\s*${value}`).exec(header)?.[1];
  const type = new NumpyType(field("descr", "'([^']*)'") ?? "V");
  if (type.isObject) return unpickle(reader, { globals: { ...PYTHON, ...NUMPY } });
  const shape = field("shape", "\\(([\\d, ]*)\\)")?.match(/\d+/g)?.map(Number) ?? [];
  const columnsFirst = field("fortran_order", "(True|False)");
  if (columnsFirst === undefined || !header.includes("'shape'")) {
    throw new PspnetError("format", `npy: expected type, order and shape, found ${header.trim().slice(0, 100)}`);
  }
  return NumpyArray.of({ type, shape, columnsFirst: columnsFirst === "True", data: reader.take(reader.left) });
}
