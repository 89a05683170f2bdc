// Format specification, IV.A.2.d
import type { StoredDType } from "../tensor.js";
import type { Hdf5Reader } from "./hdf5Reader.js";

/** The type of a dataset's or attribute's elements, as far as weights need it. */
export type Hdf5Type =
  | { readonly kind: "number"; readonly size: number; readonly dtype: StoredDType; readonly bigEndian: boolean }
  | { readonly kind: "text"; readonly size: number }
  | { readonly kind: "variable text"; readonly size: number }
  | { readonly kind: "other"; readonly size: number; readonly what: string };

const CLASSES = "integer,float,time,text,bits,opaque,record,reference,enumeration,variable length,array,complex".split(
  ",",
);

/** Where the bits of a float are: offset, precision, exponent's place and size, fraction's place and size, bias. */
const FLOATS: Readonly<Record<string, StoredDType>> = {
  "0,64,52,11,0,52,1023": "float64",
  "0,32,23,8,0,23,127": "float32",
  "0,16,10,5,0,10,15": "float16",
  "0,16,7,8,0,7,127": "bfloat16",
};

export function readType(reader: Hdf5Reader): Hdf5Type {
  const kind = CLASSES[reader.u8() & 15] ?? "other";
  const bits = reader.uint(3);
  const size = reader.u32();
  if (size === 0) reader.fail("expected elements of some bytes, found none");
  const bigEndian = (bits & 1) !== 0;
  const other = { kind: "other", size, what: kind } as const;
  if (kind === "text") return { kind, size };
  if (kind === "variable length") return (bits & 15) === 1 ? { kind: "variable text", size } : other;
  // NumPy's booleans, as h5py writes them, are an enumeration of FALSE and TRUE.
  if (kind === "enumeration") return readType(reader);
  if (kind === "integer") {
    const plain = reader.u16() === 0 && reader.u16() === 8 * size && size <= 8;
    if (!plain || (size & (size - 1)) !== 0) return { ...other, what: "integer of odd width" };
    return { kind: "number", size, bigEndian, dtype: `${bits & 8 ? "" : "u"}int${8 * size}` as StoredDType };
  }
  if (kind !== "float") return other;
  const shape = [reader.u16(), reader.u16(), reader.u8(), reader.u8(), reader.u8(), reader.u8(), reader.u32()].join();
  const known = Object.hasOwn(FLOATS, shape) && (bits & 0x40) === 0;
  return known ? { kind: "number", size, bigEndian, dtype: FLOATS[shape] } : { ...other, what: "float of odd bits" };
}
