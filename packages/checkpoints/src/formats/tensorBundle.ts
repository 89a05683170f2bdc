// TensorFlow's checkpoints since 0.12, an index and its data: https://github.com/tensorflow/tensorflow/blob/master/tensorflow/core/protobuf/tensor_bundle.proto
import { latin1, utf8 } from "../byteReader.js";
import type { Checkpoint, CheckpointFile } from "../checkpoint.js";
import { maskedCrc32c } from "../checksums.js";
import { PspnetError } from "../error.js";
import { Places } from "../places.js";
import { bytesOf, type ProtobufField, protobufFields } from "../protobufReader.js";
import { tensorOf } from "../storedArray.js";
import type { StateTensor, StoredDType } from "../tensor.js";
import { bundlePrefix, shardEnding } from "../tensorflow/bundleFiles.js";
import { isSortedTable, sortedTable } from "../tensorflow/sortedTable.js";
import type { Format } from "./format.js";

/** The numbers of the fields that are read. */
const HEADER = { shards: 1, endianness: 2 };
const ENTRY = { type: 1, shape: 2, shard: 3, offset: 4, size: 5, checksum: 6, slices: 7 };
const SHAPE = { dimension: 2 };
const DIMENSION = { size: 1 };
const BIG_ENDIAN = 1;
/** Types of elements that are no numbers. */
const STRING = 7;
const VARIANT = 21;

/** DataType of tensorflow/core/framework/types.proto */
const TYPES: Readonly<Record<number, StoredDType>> = {
  1: "float32",
  2: "float64",
  3: "int32",
  4: "uint8",
  5: "int16",
  6: "int8",
  9: "int64",
  10: "bool",
  14: "bfloat16",
  19: "float16",
  22: "uint32",
  23: "uint64",
};

/** How TensorFlow 2 ends the names of variables. */
const ATTRIBUTE = /\/\.ATTRIBUTES\/VARIABLE_VALUE$/;
/** Where optimisers keep theirs. */
const SLOT = /(^|\/)(\.OPTIMIZER_SLOT|optimizer)\/|\/(Momentum|Adam|Adagrad|RMSProp|ExponentialMovingAverage)(_\d+)?$/;

/** Text, as the graph of objects that TensorFlow 2 saves, is left out. */
export const tensorBundle: Format = {
  recognises: isSortedTable,
  hasPart(name, index) {
    const prefix = bundlePrefix(index);
    return prefix !== null && bundlePrefix(name) === prefix;
  },
  read(bytes, parts) {
    let bundle: Bundle | undefined;
    const state = new Map<string, StateTensor>();
    for (const { key, value } of sortedTable(bytes)) {
      if (key.length === 0) bundle = bundleOf(value, parts);
      else {
        if (!bundle) break;
        const path = utf8(key) ?? latin1(key);
        const name = path.replace(ATTRIBUTE, "");
        if (state.has(name)) throw new PspnetError("format", `${name}: two tensors have this name`);
        const tensor = tensorIn(bundle, name, value);
        if (tensor) state.set(name, tensor);
      }
    }
    if (!bundle) throw new PspnetError("format", "expected a header at the table's beginning, found none");
    for (const { places } of bundle.shards) places.checkApart();
    return sorted(state);
  },
};

interface Shard {
  readonly file: CheckpointFile;
  readonly places: Places;
}

interface Bundle {
  readonly shards: readonly Shard[];
  readonly bigEndian: boolean;
}

/** @throws PspnetError "format" that names the parts that were not given. */
function bundleOf(header: Uint8Array, parts: readonly CheckpointFile[]): Bundle {
  const fields = [...protobufFields(header, "the header")];
  const count = numberIn(fields, HEADER.shards);
  if (fields[0]?.value instanceof Uint8Array) {
    const mend = "restore it in TensorFlow and save it anew with write_version=tf.train.SaverDef.V2";
    throw new PspnetError("format", `expected TensorFlow's format of checkpoints since 0.12, found version 1; ${mend}`);
  }
  // Names have five digits.
  if (count < 1 || count > 99_999) throw new PspnetError("format", `expected a number of data files, found ${count}`);
  const shards: Shard[] = [];
  for (let shard = 0; shard < count; shard++) {
    const ending = shardEnding(shard, count);
    const file = parts.find(({ name }) => name.endsWith(ending));
    if (!file)
      throw new PspnetError("format", `expected the checkpoint's data with it in *${ending}, found no such file`);
    shards.push({ file, places: new Places(file.bytes.byteLength) });
  }
  return { shards, bigEndian: numberIn(fields, HEADER.endianness) === BIG_ENDIAN };
}

/** Null for text. */
function tensorIn({ shards, bigEndian }: Bundle, name: string, entry: Uint8Array): StateTensor | null {
  const fail = (problem: string): never => {
    throw new PspnetError("format", `${name}: ${problem}`);
  };
  const fields = [...protobufFields(entry, name)];
  const type = numberIn(fields, ENTRY.type);
  if (type === STRING || type === VARIANT) return null;
  if (!Object.hasOwn(TYPES, type)) fail(`expected elements that weights have, found type ${type}`);
  if (fields.some(({ number }) => number === ENTRY.slices)) {
    fail("expected a whole tensor, found one in slices; save it anew without a partitioner");
  }
  const index = numberIn(fields, ENTRY.shard);
  if (index >= shards.length) fail(`expected it in one of ${shards.length} data files, found ${index}`);
  const { file, places } = shards[index];
  const from = numberIn(fields, ENTRY.offset);
  const byteLength = numberIn(fields, ENTRY.size);
  const held = file.bytes.byteLength;
  if (from + byteLength > held) {
    fail(
      `expected bytes ${from} to ${from + byteLength} in ${file.name}, which has ${held}; it is cut off, fetch it again`,
    );
  }
  places.take(from, from + byteLength, name);
  const checksum = fields.find(({ number }) => number === ENTRY.checksum);
  const bytes = () => {
    const data = file.bytes.subarray(from, from + byteLength);
    if (checksum && maskedCrc32c(data) !== littleEndian(bytesOf(checksum))) {
      fail(`expected its checksum in ${file.name}, found another; the file is damaged, fetch it again`);
    }
    return data;
  };
  return tensorOf({ name, dtype: TYPES[type], shape: shapeIn(fields, name), bigEndian, byteLength, bytes });
}

function shapeIn(fields: readonly ProtobufField[], name: string): number[] {
  const messages = (of: readonly ProtobufField[], number: number) =>
    of.filter((field) => field.number === number).map((field) => [...protobufFields(bytesOf(field), name)]);
  return messages(fields, ENTRY.shape)
    .flatMap((shape) => messages(shape, SHAPE.dimension))
    .map((dimension) => numberIn(dimension, DIMENSION.size));
}

/** The number of that field; 0, which is never written, of one that there is not. */
function numberIn(fields: readonly ProtobufField[], number: number): number {
  return Number(fields.find((field) => field.number === number && typeof field.value === "number")?.value ?? 0);
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte, i) => sum + byte * 2 ** (8 * i), 0);
}

/** Weights apart from counters, which alone are scalars, and from what an optimiser keeps of them. */
function sorted(tensors: ReadonlyMap<string, StateTensor>): Checkpoint {
  const isBeside = (name: string, { shape }: StateTensor) => shape.length === 0 || SLOT.test(name);
  return {
    format: "TensorFlow checkpoint",
    state: new Map([...tensors].filter(([name, tensor]) => !isBeside(name, tensor))),
    beside: new Map([...tensors].filter(([name, tensor]) => isBeside(name, tensor))),
    metadata: {},
  };
}
