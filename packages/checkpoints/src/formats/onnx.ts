// The initialisers of ONNX models by name: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import { utf8 } from "../byteReader.js";
import { ELEMENT_SIZE } from "../elements.js";
import { PspnetError } from "../error.js";
import { checkCount, checkName } from "../limits.js";
import {
  bytesOf,
  elementsOf,
  fieldsBeside,
  type ProtobufField,
  protobufFields,
  wholeNumbers,
} from "../protobufReader.js";
import { tensorOf } from "../storedArray.js";
import type { StateTensor, StoredDType } from "../tensor.js";
import type { Format } from "./format.js";

/** The numbers of the fields that are read. */
const MODEL = { version: 1, graph: 7, metadata: 14 };
const ENTRY = { key: 1, value: 2 };
const GRAPH = { initialiser: 5 };
const TENSOR = { dims: 1, type: 2, floats: 4, int32s: 5, int64s: 7, name: 8, raw: 9, doubles: 10, location: 14 };
const OUTSIDE = 1;

/** TensorProto.DataType */
const TYPES: Readonly<Record<number, StoredDType>> = {
  1: "float32",
  2: "uint8",
  3: "int8",
  5: "int16",
  6: "int32",
  7: "int64",
  9: "bool",
  10: "float16",
  11: "float64",
  16: "bfloat16",
};

export const onnx: Format = {
  recognises(bytes) {
    try {
      let place = 0;
      for (const { number, value } of protobufFields(bytes, "")) {
        if (place++ === 0 && (number !== MODEL.version || typeof value !== "number")) return false;
        if (number === MODEL.graph && value instanceof Uint8Array) return true;
      }
      return false;
    } catch {
      return false;
    }
  },
  read(bytes) {
    const state = new Map<string, StateTensor>();
    const model = fieldsBeside(bytes, [], "ONNX");
    for (const graph of messages(model, MODEL.graph))
      for (const message of messages(protobufFields(graph, "ONNX graph"), GRAPH.initialiser)) {
        const [name, tensor] = initialiser(message);
        if (state.has(name)) throw new PspnetError("format", `${name}: two initialisers have this name`);
        state.set(name, tensor);
        checkCount(state.size);
      }
    const metadata = Object.fromEntries(messages(model, MODEL.metadata).map(entry));
    return { format: "ONNX", state, beside: new Map(), metadata };
  },
};

function messages(fields: Iterable<ProtobufField>, number: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (const field of fields) {
    if (field.number !== number) continue;
    found.push(bytesOf(field));
    checkCount(found.length);
  }
  return found;
}

function entry(message: Uint8Array): [string, string] {
  const fields = fieldsBeside(message, [], "ONNX metadata");
  const last = (number: number) => utf8(messages(fields, number).at(-1) ?? new Uint8Array()) ?? "";
  return [last(ENTRY.key), last(ENTRY.value)];
}

function initialiser(message: Uint8Array): [string, StateTensor] {
  const { raw, floats, doubles, int32s, int64s } = TENSOR;
  const fields = fieldsBeside(message, [raw, floats, doubles, int32s, int64s], "ONNX tensor");
  const all = (number: number) => fields.filter((field) => field.number === number);
  const last = (number: number) => all(number).at(-1)?.value;
  const name = utf8(all(TENSOR.name).map(bytesOf).at(-1) ?? new Uint8Array()) ?? "";
  checkName(name);
  if (last(TENSOR.location) === OUTSIDE) {
    const mend = "export the model anew into one file";
    throw new PspnetError("format", `${name}: expected its data in the file, found them in another; ${mend}`);
  }
  const type = Number(last(TENSOR.type));
  if (!Object.hasOwn(TYPES, type))
    throw new PspnetError("format", `${name}: expected elements that weights have, found type ${type}`);
  const dtype = TYPES[type];
  const shape = all(TENSOR.dims).flatMap(({ value }) => wholeNumbers(value));
  const [inPlace] = [raw, floats, doubles]
    .map((number) => elementsOf(message, number, name))
    .filter(({ byteLength }) => byteLength > 0);
  const bytes = inPlace ?? integerBytes(message, dtype);
  return [name, tensorOf({ name, dtype, shape, byteLength: bytes.byteLength, bytes: () => bytes })];
}

/** Elements that stand as whole numbers: integers, and the bits of halves. */
function integerBytes(message: Uint8Array, dtype: StoredDType): Uint8Array {
  const size = ELEMENT_SIZE[dtype];
  const values: number[] = [];
  for (const { number, value } of protobufFields(message, "ONNX tensor")) {
    if (number === TENSOR.int32s || number === TENSOR.int64s) for (const one of wholeNumbers(value)) values.push(one);
  }
  const bytes = new Uint8Array(values.length * size);
  for (const [i, value] of values.entries()) {
    for (let byte = 0; byte < size; byte++) bytes[i * size + byte] = Math.floor(value / 2 ** (8 * byte)) % 256;
  }
  return bytes;
}
