// The initialisers of ONNX models by name: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto
import { utf8 } from "../byteReader.js";
import { PspnetError } from "../error.js";
import { join } from "../pieces.js";
import { bytesOf, type ProtobufField, protobufFields, wholeNumbers } from "../protobufReader.js";
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
      const [first, ...others] = protobufFields(bytes, "");
      const isGraph = ({ number, value }: ProtobufField) => number === MODEL.graph && value instanceof Uint8Array;
      return first.number === MODEL.version && typeof first.value === "number" && others.some(isGraph);
    } catch {
      return false;
    }
  },
  read(bytes) {
    const state = new Map<string, StateTensor>();
    const model = [...protobufFields(bytes, "ONNX")];
    for (const graph of messages(model, MODEL.graph))
      for (const message of messages(protobufFields(graph, "ONNX graph"), GRAPH.initialiser)) {
        const [name, tensor] = initialiser(message);
        if (state.has(name)) throw new PspnetError("format", `${name}: two initialisers have this name`);
        state.set(name, tensor);
      }
    const metadata = Object.fromEntries(messages(model, MODEL.metadata).map(entry));
    return { format: "ONNX", state, beside: new Map(), metadata };
  },
};

function messages(fields: Iterable<ProtobufField>, number: number): Uint8Array[] {
  return [...fields].filter((field) => field.number === number).map(bytesOf);
}

function entry(message: Uint8Array): [string, string] {
  const fields = [...protobufFields(message, "ONNX metadata")];
  const last = (number: number) => utf8(messages(fields, number).at(-1) ?? new Uint8Array()) ?? "";
  return [last(ENTRY.key), last(ENTRY.value)];
}

function initialiser(message: Uint8Array): [string, StateTensor] {
  const fields = [...protobufFields(message, "ONNX tensor")];
  const all = (number: number) => fields.filter((field) => field.number === number);
  const last = (number: number) => all(number).at(-1)?.value;
  const name = utf8(all(TENSOR.name).map(bytesOf).at(-1) ?? new Uint8Array()) ?? "";
  if (last(TENSOR.location) === OUTSIDE) {
    const mend = "export the model anew into one file";
    throw new PspnetError("format", `${name}: expected its data in the file, found them in another; ${mend}`);
  }
  const type = Number(last(TENSOR.type));
  if (!Object.hasOwn(TYPES, type))
    throw new PspnetError("format", `${name}: expected elements that weights have, found type ${type}`);
  const shape = all(TENSOR.dims).flatMap(({ value }) => wholeNumbers(value));
  const integers = [...all(TENSOR.int32s), ...all(TENSOR.int64s)];
  if (integers.length > 0) {
    const float32 = () => Float32Array.from(integers.flatMap(({ value }) => wholeNumbers(value)));
    return [name, { shape, dtype: TYPES[type], float32 }];
  }
  const pieces = [TENSOR.raw, TENSOR.floats, TENSOR.doubles].flatMap((number) => all(number).map(bytesOf));
  const bytes = pieces.length === 1 ? pieces[0] : join(pieces);
  return [name, tensorOf({ name, dtype: TYPES[type], shape, byteLength: bytes.byteLength, bytes: () => bytes })];
}
