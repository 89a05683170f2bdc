// Binary NetParameter messages: https://github.com/BVLC/caffe/blob/master/src/caffe/proto/caffe.proto
import { latin1 } from "../byteReader.js";
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
import type { StateTensor } from "../tensor.js";
import type { Format } from "./format.js";

/** The numbers of a layer's fields, in layers of today and of version 1. */
const LAYERS: Readonly<Record<number, { readonly name: number; readonly blobs: number }>> = {
  100: { name: 1, blobs: 7 },
  2: { name: 4, blobs: 6 },
};
/** The numbers of a blob's fields: its elements and their gradients, of 32 and of 64 bits. */
const BLOB = { floats: 5, gradients: 6, shape: 7, doubles: 8, doubleGradients: 9 };
/** The numbers of NetParameter's fields. */
const NET = [1, 2, 3, 4, 5, 6, 7, 8, 100];

/** Blobs are named by their layer and their place in it: `conv6.0`. */
export const caffemodel: Format = {
  recognises(bytes) {
    try {
      let count = 0;
      for (const { number, value } of protobufFields(bytes, "")) {
        if (!NET.includes(number)) return false;
        if (number in LAYERS) return value instanceof Uint8Array;
        if (++count > 1000) return false;
      }
      return false;
    } catch {
      return false;
    }
  },
  read(bytes) {
    const state = new Map<string, StateTensor>();
    for (const { number, value } of protobufFields(bytes, "caffemodel")) {
      if (!(number in LAYERS) || typeof value === "number") continue;
      for (const [name, tensor] of tensorsOf(value, LAYERS[number])) {
        if (state.has(name)) throw new PspnetError("format", `${name}: two blobs have this name`);
        state.set(name, tensor);
        checkCount(state.size);
      }
    }
    return { format: "caffemodel", state, beside: new Map(), metadata: {} };
  },
};

function tensorsOf(layer: Uint8Array, numbers: (typeof LAYERS)[number]): [string, StateTensor][] {
  const fields = fieldsBeside(layer, [], "layer");
  const all = (number: number) => fields.filter((field) => field.number === number).map(({ value }) => value);
  const [name] = all(numbers.name);
  const text = name instanceof Uint8Array ? latin1(name) : "";
  checkName(text);
  return all(numbers.blobs).map((blob, i) => [`${text}.${i}`, blobOf(blob, `${text}.${i}`)]);
}

/** BlobProto: the shape as a message, or as num, channels, height and width; the elements packed, or one a field. */
function blobOf(blob: number | Uint8Array, name: string): StateTensor {
  if (typeof blob === "number") throw new PspnetError("format", `${name}: expected a blob`);
  const { floats, gradients, doubles, doubleGradients } = BLOB;
  const fields = fieldsBeside(blob, [floats, gradients, doubles, doubleGradients], name);
  const inDoubles = elementsOf(blob, doubles, name);
  const [dtype, bytes] =
    inDoubles.byteLength > 0
      ? (["float64", inDoubles] as const)
      : (["float32", elementsOf(blob, floats, name)] as const);
  const shape = shapeOf(fields, name);
  return tensorOf({ name, dtype, shape, byteLength: bytes.byteLength, bytes: () => bytes });
}

function shapeOf(fields: readonly ProtobufField[], name: string): number[] {
  const message = fields.find(({ number }) => number === BLOB.shape);
  if (message)
    return [...protobufFields(bytesOf(message), name)].flatMap(({ number, value }) =>
      number === 1 ? wholeNumbers(value) : [],
    );
  const sizes = [1, 2, 3, 4].map((number) => fields.find((field) => field.number === number)?.value);
  return sizes.map((size) => (typeof size === "number" ? size : 1));
}
