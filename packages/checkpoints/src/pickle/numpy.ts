// What NumPy writes into pickles: https://numpy.org/doc/stable/reference/generated/numpy.ndarray.__reduce__.html
import { ELEMENT_SIZE, toFloat32 } from "../elements.js";
import { PspnetError } from "../error.js";
import { tensorOf } from "../storedArray.js";
import type { StateTensor, StoredDType } from "../tensor.js";
import { type Globals, onlyNamed, type PickledTensor, PickledText, textOf } from "./values.js";

const TYPES: Readonly<Record<string, StoredDType>> = {
  f8: "float64",
  f4: "float32",
  f2: "float16",
  i8: "int64",
  i4: "int32",
  i2: "int16",
  i1: "int8",
  u8: "uint64",
  u4: "uint32",
  u2: "uint16",
  u1: "uint8",
  b1: "bool",
};

/** An element type in NumPy's letters, such as `<f4`. */
export class NumpyType {
  readonly code: string;
  bigEndian: boolean;

  constructor(text: string) {
    this.code = text.replace(/^[<>=|]/, "");
    this.bigEndian = text.startsWith(">");
  }

  /** Undefined for objects, text and other elements that are no numbers of weights. */
  get dtype(): StoredDType | undefined {
    return Object.hasOwn(TYPES, this.code) ? TYPES[this.code] : undefined;
  }

  get isObject(): boolean {
    return this.code.startsWith("O");
  }

  build(state: unknown): void {
    this.bigEndian = Array.isArray(state) && textOf(state[1]) === ">";
  }
}

/** An array: of numbers, of other values (`objects`), or of what is not read. */
export class NumpyArray implements PickledTensor {
  shape: unknown = [];
  type = new NumpyType("V");
  columnsFirst = false;
  data: Uint8Array = new Uint8Array();
  objects: readonly unknown[] | undefined;

  static of(fields: Pick<NumpyArray, "shape" | "type" | "columnsFirst" | "data">): NumpyArray {
    return Object.assign(new NumpyArray(), fields);
  }

  /** `(version, shape, type, whether the first index runs fastest, data)` */
  build(state: unknown): void {
    const [, shape, type, columnsFirst, data] = Array.isArray(state) ? state : [];
    if (!(type instanceof NumpyType)) throw new PspnetError("format", "numpy.ndarray: expected its state");
    Object.assign(this, { shape, type, columnsFirst: columnsFirst === true });
    if (Array.isArray(data)) this.objects = data;
    else this.data = bytesOf(data);
  }

  tensor(name: string): StateTensor {
    const { shape, type, data } = this;
    if (!type.dtype) throw new PspnetError("format", `${name}: expected numbers, found elements of type ${type.code}`);
    if (!Array.isArray(shape)) throw new PspnetError("format", `${name}: expected a shape`);
    const strides = this.columnsFirst ? "columnMajor" : undefined;
    const { dtype, bigEndian } = type;
    return tensorOf({ name, dtype, bigEndian, shape, strides, byteLength: data.byteLength, bytes: () => data });
  }
}

function bytesOf(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (value instanceof PickledText && value.encoding === "latin-1") return value.bytes;
  throw new PspnetError("format", "numpy: expected bytes");
}

/** `_reconstruct(ndarray, (0,), b"b")`: empty until its state comes. */
const reconstruct = () => new NumpyArray();

/** `_frombuffer(buffer, type, shape, order)`, of protocol 5. */
function fromBuffer([data, type, shape, order]: readonly unknown[]): NumpyArray {
  if (!(type instanceof NumpyType)) throw new PspnetError("format", "expected a type");
  return NumpyArray.of({ data: bytesOf(data), type, shape, columnsFirst: textOf(order) === "F" });
}

/** A scalar as a number; of a type that is none, its name. */
function scalar([type, data]: readonly unknown[]): unknown {
  if (!(type instanceof NumpyType)) throw new PspnetError("format", "expected a type");
  const { dtype, code, bigEndian } = type;
  if (!dtype || data === undefined) return `numpy ${code}`;
  const stored = bytesOf(data);
  if (stored.length !== ELEMENT_SIZE[dtype]) throw new PspnetError("format", `expected the bytes of a ${dtype}`);
  const bytes = new Uint8Array(stored);
  if (bigEndian) bytes.reverse();
  return dtype === "float64" ? new DataView(bytes.buffer).getFloat64(0, true) : toFloat32(bytes, dtype)[0];
}

const named = ["float64", "float32", "float16", "int64", "int32", "int16", "int8", "uint8", "bool_", "bool", "str_"];

export const NUMPY: Globals = {
  "numpy.ndarray": onlyNamed,
  "numpy.dtype": ([text]) => new NumpyType(textOf(text) ?? "V"),
  ...Object.fromEntries(
    ["numpy.core", "numpy._core"].flatMap((core) => [
      [`${core}.multiarray._reconstruct`, reconstruct],
      [`${core}.multiarray.scalar`, scalar],
      [`${core}.numeric._frombuffer`, fromBuffer],
    ]),
  ),
  ...Object.fromEntries(named.map((name) => [`numpy.${name}`, onlyNamed])),
};
