/** What `torch.save` writes of a dictionary of tensors: a zip of a pickle (protocol 2) and the elements of each tensor. */
import { type StoredFile, storedZipPieces } from "./archive/zipWriter.js";
import { ELEMENT_SIZE } from "./elements.js";
import { PspnetError } from "./error.js";
import { join } from "./pieces.js";
import type { WritableTensor } from "./safetensors.js";
import { rowMajor } from "./storedArray.js";
import { TORCH_STORAGES } from "./torchStorages.js";

/** Where PyTorch puts the elements, so that they can be mapped. */
const ALIGNMENT = 64;

/**
 * The file in pieces, as `torch.load(file, weights_only=True)` reads it: an ordered dictionary, a contiguous tensor on the
 * processor for each name.
 *
 * @throws PspnetError "format" for an element type that PyTorch has no storage of, and bytes that do not fit.
 */
export function torchPieces(tensors: ReadonlyMap<string, WritableTensor>): Generator<Uint8Array> {
  const text = (content: string) => new TextEncoder().encode(content);
  const entries = [...tensors];
  const files: StoredFile[] = [
    { name: "archive/data.pkl", bytes: pickled(entries) },
    { name: "archive/byteorder", bytes: text("little") },
    ...entries.map(([, { bytes }], i) => ({ name: `archive/data/${i}`, bytes })),
    { name: "archive/version", bytes: text("3\n") },
  ];
  return storedZipPieces(files, { alignment: ALIGNMENT });
}

/** Opcodes of the pickle protocol (Python's `pickletools`). */
const OP = {
  protocol: "\x80\x02",
  mark: "(",
  stop: ".",
  emptyTuple: ")",
  tuple: "t",
  reduce: "R",
  setItems: "u",
  persistentId: "Q",
  false: "\x89",
} as const;

function pickled(entries: readonly (readonly [string, WritableTensor])[]): Uint8Array {
  const orderedDict = [global("collections", "OrderedDict"), OP.emptyTuple, OP.reduce];
  const items = entries.flatMap(([name, tensor], i) => [unicode(name), ...rebuilt(name, tensor, i)]);
  return join([OP.protocol, ...orderedDict, OP.mark, ...items, OP.setItems, OP.stop].map(latin1));
}

/** `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, requires_grad, backward_hooks)` */
function* rebuilt(name: string, { dtype, shape, bytes }: WritableTensor, key: number): Generator<string> {
  const storage = TORCH_STORAGES[dtype];
  const count = shape.reduce((product, size) => product * size, 1);
  if (storage === undefined)
    throw new PspnetError("format", `${name}: expected a type that PyTorch stores, found ${dtype}`);
  if (count * ELEMENT_SIZE[dtype] !== bytes.byteLength) {
    const expected = `${count * ELEMENT_SIZE[dtype]} bytes for ${dtype} of shape [${shape}]`;
    throw new PspnetError("format", `${name}: expected ${expected}, found ${bytes.byteLength}`);
  }
  yield* [global("torch._utils", "_rebuild_tensor_v2"), OP.mark];
  yield* [OP.mark, unicode("storage"), global("torch", storage), unicode(String(key)), unicode("cpu"), integer(count)];
  yield* [OP.tuple, OP.persistentId, integer(0)];
  yield* [OP.mark, ...shape.map(integer), OP.tuple];
  yield* [OP.mark, ...rowMajor(shape).map(integer), OP.tuple];
  yield* [OP.false, global("collections", "OrderedDict"), OP.emptyTuple, OP.reduce, OP.tuple, OP.reduce];
}

function global(module: string, name: string): string {
  return `c${module}\n${name}\n`;
}

function unicode(text: string): string {
  const bytes = new TextEncoder().encode(text);
  return `X${uint32(bytes.byteLength)}${String.fromCharCode(...bytes)}`;
}

/** A whole number from 0 to below 2^31. */
function integer(value: number): string {
  return `J${uint32(value)}`;
}

function uint32(value: number): string {
  return String.fromCharCode(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
}

/** Each character is a byte. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
