/** The safetensors format (huggingface/safetensors): an 8-byte length, a JSON header, and the tensors' bytes without gaps. */
import { ELEMENT_SIZE, toFloat32 } from "./elements.js";
import { PspnetError } from "./error.js";
import { duplicateKey } from "./json.js";
import { brief, checkName, RANK_MAX, shortened } from "./limits.js";
import { join } from "./pieces.js";
import type { Shape, StateTensor, StoredDType } from "./tensor.js";

/** Where a tensor's bytes stand in the file. */
export interface TensorEntry {
  readonly dtype: StoredDType;
  readonly shape: Shape;
  /** First byte, from the start of the file. */
  readonly begin: number;
  /** Byte after the last. */
  readonly end: number;
}

export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

export interface StoredTensor extends StateTensor {
  /** The elements as they stand in the file, little-endian; a view of it. */
  readonly bytes: Uint8Array;
}

export interface Safetensors {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The format's own limit on the header. */
const MAX_HEADER = 100_000_000;
const LENGTH_BYTES = 8;

const FORMAT_NAMES: ReadonlyMap<string, StoredDType> = new Map<string, StoredDType>([
  ["F64", "float64"],
  ["F32", "float32"],
  ["F16", "float16"],
  ["BF16", "bfloat16"],
  ["I64", "int64"],
  ["I32", "int32"],
  ["I16", "int16"],
  ["I8", "int8"],
  ["U64", "uint64"],
  ["U32", "uint32"],
  ["U16", "uint16"],
  ["U8", "uint8"],
  ["BOOL", "bool"],
]);
const NAME_OF: ReadonlyMap<string, string> = new Map([...FORMAT_NAMES].map(([name, dtype]) => [dtype, name]));

/**
 * All tensors of a file, after every check that the format's specification demands.
 *
 * @throws PspnetError "format" naming the tensor and what is wrong with it.
 */
export function readSafetensors(bytes: Uint8Array): Safetensors {
  const { metadata, tensors } = readSafetensorsHeader(bytes, bytes.byteLength);
  const stored = [...tensors].map(([name, { dtype, shape, begin, end }]): [string, StoredTensor] => {
    const view = bytes.subarray(begin, end);
    return [name, { dtype, shape, bytes: view, float32: () => toFloat32(view, dtype) }];
  });
  return { metadata, tensors: new Map(stored) };
}

/** Bytes from the start of the file that {@link readSafetensorsHeader} needs, read off the first 8. */
export function safetensorsHeaderEnd(first: Uint8Array, fileLength: number): number {
  if (first.byteLength < LENGTH_BYTES) fail(`expected at least ${LENGTH_BYTES} bytes, found ${first.byteLength}`);
  const length = Number(new DataView(first.buffer, first.byteOffset, LENGTH_BYTES).getBigUint64(0, true));
  if (length > MAX_HEADER)
    fail(`expected a header of at most ${MAX_HEADER} bytes, found ${length}; is this a safetensors file?`);
  if (LENGTH_BYTES + length > fileLength) {
    fail(
      `the header of ${length} bytes goes beyond the file of ${fileLength}; the file is cut off, or not a safetensors file`,
    );
  }
  return LENGTH_BYTES + length;
}

/**
 * What a file of `fileLength` bytes holds, from its beginning alone ({@link safetensorsHeaderEnd} says how much).
 *
 * @throws PspnetError "format"
 */
export function readSafetensorsHeader(bytes: Uint8Array, fileLength: number): SafetensorsHeader {
  const start = safetensorsHeaderEnd(bytes, fileLength);
  const header = parseHeader(bytes.subarray(LENGTH_BYTES, start));
  const metadata: Record<string, string> = {};
  const tensors = new Map<string, TensorEntry>();
  for (const [name, value] of Object.entries(header)) {
    if (name === "__metadata__") Object.assign(metadata, parseMetadata(value));
    else tensors.set(name, parseEntry(name, value, start));
  }
  checkCover(tensors, { start, end: fileLength });
  return { metadata, tensors };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) fail(`expected the header to start with "{", found byte ${bytes[0] ?? "none"}`);
  let header: unknown;
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    header = JSON.parse(text);
  } catch (cause) {
    fail(`expected a header of UTF-8 JSON (${(cause as Error).message})`);
  }
  if (!isRecord(header)) fail("expected the header to be a JSON object");
  const twice = duplicateKey(text);
  if (twice !== null) fail(`the header has the key ${brief(twice)} twice`);
  return header;
}

function parseMetadata(value: unknown): Record<string, string> {
  if (!isRecord(value)) fail("__metadata__: expected an object of strings");
  for (const [key, text] of Object.entries(value)) {
    if (typeof text !== "string") fail(`__metadata__: expected strings, found ${typeof text} for ${brief(key)}`);
  }
  return value as Record<string, string>;
}

function parseEntry(name: string, value: unknown, start: number): TensorEntry {
  checkName(name);
  if (!isRecord(value)) fail(`${name}: expected an object with dtype, shape and data_offsets`);
  const { dtype, shape, data_offsets: offsets, ...others } = value;
  const unknown = Object.keys(others)[0];
  if (unknown !== undefined) fail(`${name}: unknown field ${brief(unknown)}`);
  const stored = FORMAT_NAMES.get(dtype as string);
  if (!stored) fail(`${name}: expected a dtype of ${[...FORMAT_NAMES.keys()].join(", ")}, found ${brief(dtype)}`);
  if (!isSizes(shape)) fail(`${name}: expected a shape of whole numbers, found ${brief(shape)}`);
  if (shape.length > RANK_MAX) fail(`${name}: expected at most ${RANK_MAX} dimensions, found ${shape.length}`);
  if (!isSizes(offsets) || offsets.length !== 2 || offsets[0] > offsets[1]) {
    fail(`${name}: expected data_offsets [begin, end] with begin <= end, found ${brief(offsets)}`);
  }
  const size = shape.reduce((product, n) => product * n, ELEMENT_SIZE[stored]);
  if (size !== offsets[1] - offsets[0]) {
    fail(`${name}: ${dtype} of shape [${shape}] takes ${size} bytes, data_offsets give ${offsets[1] - offsets[0]}`);
  }
  return { dtype: stored, shape, begin: start + offsets[0], end: start + offsets[1] };
}

/** The tensors must follow one another without overlap or hole, to the end of the file. */
function checkCover(
  tensors: ReadonlyMap<string, TensorEntry>,
  file: { readonly start: number; readonly end: number },
): void {
  let at = file.start;
  const inOrder = [...tensors].sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  for (const [name, { begin, end }] of inOrder) {
    if (begin < at) fail(`${name}: its data overlap the tensor before it by ${at - begin} bytes`);
    if (begin > at) fail(`${name}: ${begin - at} bytes before its data belong to no tensor`);
    if (end > file.end) fail(`${name}: its data end ${end - file.end} bytes beyond the file; the file is cut off`);
    at = end;
  }
  if (at < file.end) fail(`the last ${file.end - at} bytes of the file belong to no tensor`);
}

/** What {@link writeSafetensors} stores: little-endian elements, `fromFloat32` makes them. */
export type WritableTensor = Pick<StoredTensor, "dtype" | "shape" | "bytes">;

/**
 * A safetensors file in pieces, header first, so that no second copy of the weights is needed to write one.
 *
 * The tensors stand by falling element size, then by name: each is aligned, and the same weights give the same bytes.
 *
 * @throws PspnetError "format" for bytes that do not fit dtype and shape.
 */
export function* safetensorsPieces(
  tensors: ReadonlyMap<string, WritableTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Generator<Uint8Array> {
  const header: [string, unknown][] = Object.keys(metadata).length > 0 ? [["__metadata__", metadata]] : [];
  const inOrder = [...tensors].sort(compareEntries);
  let begin = 0;
  for (const [name, { dtype, shape, bytes }] of inOrder) {
    const size = shape.reduce((product, n) => product * n, ELEMENT_SIZE[dtype]);
    if (name === "__metadata__" || size !== bytes.byteLength) {
      fail(`${name}: expected ${size} bytes for ${dtype} of shape [${shape}], found ${bytes.byteLength}`);
    }
    header.push([name, { dtype: NAME_OF.get(dtype), shape, data_offsets: [begin, begin + size] }]);
    begin += size;
  }
  yield headerBytes(header);
  for (const [, { bytes }] of inOrder) yield bytes;
}

/** The pieces of {@link safetensorsPieces} in one array. */
export function writeSafetensors(
  tensors: ReadonlyMap<string, WritableTensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  return join([...safetensorsPieces(tensors, metadata)]);
}

/** Length and header, padded with spaces so that the data start at a multiple of 8. */
function headerBytes(entries: readonly (readonly [string, unknown])[]): Uint8Array {
  const text = `{${entries.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
  const json = new TextEncoder().encode(text);
  const length = Math.ceil(json.byteLength / 8) * 8;
  const bytes = new Uint8Array(LENGTH_BYTES + length).fill(0x20);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(json, LENGTH_BYTES);
  return bytes;
}

function compareEntries([a, x]: [string, WritableTensor], [b, y]: [string, WritableTensor]): number {
  return ELEMENT_SIZE[y.dtype] - ELEMENT_SIZE[x.dtype] || (a < b ? -1 : 1);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((n) => Number.isSafeInteger(n) && n >= 0);
}

function fail(problem: string): never {
  throw new PspnetError("format", `safetensors: ${shortened(problem)}`);
}
