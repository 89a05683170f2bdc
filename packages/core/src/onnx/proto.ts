/** ONNX's messages, as far as our models use them: field numbers and enumerations of onnx/onnx.proto. */
import { bytesField, type Encoded, floatField, intField, messageField } from "@pspnet/checkpoints/protobuf";
import type { Dim } from "../graph/dim.js";
import { formatDim } from "../graph/dim.js";

export type OnnxType = "float32" | "float16" | "uint8" | "int8" | "int32" | "int64" | "bool";

/** TensorProto.DataType */
export const TYPE_NUMBER: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
};

/** Whole numbers; `{ float }` for a real one. */
export type Attribute = number | readonly number[] | { readonly float: number };

export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** Values by name; one that is left out is "". */
  readonly inputs: readonly string[];
  readonly output: string;
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** A constant: row-major, little-endian. */
export interface OnnxTensor {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

/** An input or output of a model. */
export interface OnnxValue {
  readonly name: string;
  readonly dtype: OnnxType;
  readonly shape: readonly Dim[];
}

/** Where a constant's bytes stand when they are not in the model itself. */
export interface ExternalPlace {
  readonly location: string;
  readonly offset: number;
}

export interface OnnxModel {
  readonly name: string;
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly tensors: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  /** Values in between whose shapes are known: with them runtimes see that two sizes are one, and fuse sums. */
  readonly values: readonly OnnxValue[];
  readonly metadata: Readonly<Record<string, string>>;
  /** By a constant's name. */
  readonly external: ReadonlyMap<string, ExternalPlace>;
}

/** Version 8 of the format came with opset 17. */
const IR_VERSION = 8;

/** A ModelProto. */
export function encodeModel(model: OnnxModel): Encoded {
  const { opset, metadata } = model;
  return [
    intField(1, IR_VERSION),
    bytesField(2, "pspnet"),
    messageField(7, graphFields(model)),
    messageField(8, [bytesField(1, ""), intField(2, opset)]),
    ...Object.entries(metadata).map((entry) => messageField(14, entryFields(entry))),
  ].flat();
}

function graphFields({ name, nodes, tensors, inputs, outputs, values, external }: OnnxModel): Encoded[] {
  return [
    ...nodes.map((node) => messageField(1, nodeFields(node))),
    bytesField(2, name),
    ...tensors.map((tensor) => messageField(5, tensorFields(tensor, external.get(tensor.name)))),
    ...inputs.map((value) => messageField(11, valueFields(value))),
    ...outputs.map((value) => messageField(12, valueFields(value))),
    ...values.map((value) => messageField(13, valueFields(value))),
  ];
}

function nodeFields({ name, operator, inputs, output, attributes }: OnnxNode): Encoded[] {
  return [
    ...inputs.map((input) => bytesField(1, input)),
    bytesField(2, output),
    bytesField(3, name),
    bytesField(4, operator),
    ...Object.entries(attributes).map(([key, value]) => messageField(5, attributeFields(key, value))),
  ];
}

function attributeFields(name: string, value: Attribute): Encoded[] {
  const [FLOAT, INT, INTS] = [1, 2, 7];
  if (typeof value === "number") return [bytesField(1, name), intField(3, value), intField(20, INT)];
  if ("float" in value) return [bytesField(1, name), floatField(2, value.float), intField(20, FLOAT)];
  return [bytesField(1, name), ...value.map((item) => intField(8, item)), intField(20, INTS)];
}

function tensorFields({ name, dtype, shape, bytes }: OnnxTensor, external?: ExternalPlace): Encoded[] {
  const head = [...shape.map((size) => intField(1, size)), intField(2, TYPE_NUMBER[dtype]), bytesField(8, name)];
  if (!external) return [...head, bytesField(9, bytes)];
  const { location, offset } = external;
  const place = { location, offset: String(offset), length: String(bytes.byteLength) };
  const EXTERNAL = 1;
  return [
    ...head,
    ...Object.entries(place).map((entry) => messageField(13, entryFields(entry))),
    intField(14, EXTERNAL),
  ];
}

function valueFields({ name, dtype, shape }: OnnxValue): Encoded[] {
  const dims = shape.map((dim) =>
    messageField(1, [typeof dim === "number" ? intField(1, dim) : bytesField(2, formatDim(dim))]),
  );
  const tensorType = messageField(1, [intField(1, TYPE_NUMBER[dtype]), messageField(2, dims)]);
  return [bytesField(1, name), messageField(2, [tensorType])];
}

function entryFields([key, value]: readonly [string, string]): Encoded[] {
  return [bytesField(1, key), bytesField(2, value)];
}
