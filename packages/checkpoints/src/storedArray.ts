import { ELEMENT_SIZE, toFloat32 } from "./elements.js";
import { PspnetError } from "./error.js";
import { RANK_MAX } from "./limits.js";
import type { Shape, StateTensor, StoredDType } from "./tensor.js";

/** Elements as a file has them: anywhere, in any order of bytes, with any strides. */
export interface StoredArray {
  readonly name: string;
  readonly dtype: StoredDType;
  readonly shape: Shape;
  /** The elements' bytes, asked for when the values are; a file may have them compressed. */
  readonly bytes: () => Uint8Array;
  /** How many bytes those are. */
  readonly byteLength: number;
  readonly bigEndian?: boolean;
  /** Elements before the first one. */
  readonly offset?: number;
  /** Elements from one index to the next of each dimension, or whether the first or the last index runs fastest: the last. */
  readonly strides?: readonly number[] | "columnMajor";
}

/**
 * A tensor whose values are made when they are asked for.
 *
 * @throws PspnetError "format" where the elements go beyond their bytes, or are more than those can hold.
 */
export function tensorOf(array: StoredArray): StateTensor {
  const { name, dtype, shape, byteLength, offset = 0 } = array;
  const size = ELEMENT_SIZE[dtype];
  if (shape.length > RANK_MAX) fail(name, `expected at most ${RANK_MAX} dimensions, found ${shape.length}`);
  const strides = stridesOf(array);
  if (![...shape, ...strides, offset].every((n) => Number.isSafeInteger(n) && n >= 0)) {
    fail(name, `expected whole sizes, strides and offset, found [${shape}], [${strides}] and ${offset}`);
  }
  if (strides.length !== shape.length) fail(name, `expected a stride for each of [${shape}], found [${strides}]`);
  const count = shape.reduce((product, n) => product * n, 1);
  const held = Math.floor(byteLength / size);
  const end = count === 0 ? 0 : 1 + shape.reduce((last, n, i) => last + (n - 1) * strides[i], offset);
  if (end > held) {
    fail(
      name,
      `${dtype} of shape [${shape}] needs ${end} elements, its data hold ${held}; the file is cut off or damaged`,
    );
  }
  if (count > held) fail(name, `its ${count} elements overlap: its data hold ${held}`);
  return { dtype, shape, float32: () => valuesOf({ ...array, offset, strides }, end, count) };
}

function stridesOf({ shape, strides }: StoredArray): readonly number[] {
  if (strides === "columnMajor") return rowMajor([...shape].reverse()).reverse();
  return strides ?? rowMajor(shape);
}

function valuesOf(
  array: StoredArray & { readonly offset: number; readonly strides: readonly number[] },
  end: number,
  count: number,
): Float32Array {
  const { dtype, shape, offset, strides } = array;
  if (count === 0) return new Float32Array(0);
  const size = ELEMENT_SIZE[dtype];
  const stored = array.bytes().subarray(offset * size, end * size);
  const values = toFloat32(array.bigEndian ? reversed(stored, size) : stored, dtype);
  const inOrder = rowMajor(shape);
  if (strides.every((stride, i) => shape[i] === 1 || stride === inOrder[i])) return values;
  return gathered(values, { shape, strides, count });
}

/** The elements in row-major order. */
function gathered(
  values: Float32Array,
  { shape, strides, count }: { readonly shape: Shape; readonly strides: readonly number[]; readonly count: number },
): Float32Array {
  const result = new Float32Array(count);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    result[to] = values[from];
    for (let i = shape.length - 1; i >= 0; i--) {
      from += strides[i];
      if (++index[i] < shape[i]) break;
      from -= strides[i] * shape[i];
      index[i] = 0;
    }
  }
  return result;
}

export function rowMajor(shape: Shape): number[] {
  return shape.map((_, i) => shape.slice(i + 1).reduce((product, n) => product * n, 1));
}

/** A copy with the bytes of each element the other way round. */
function reversed(bytes: Uint8Array, size: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  for (let at = 0; at + size <= copy.length; at += size) copy.subarray(at, at + size).reverse();
  return copy;
}

function fail(name: string, problem: string): never {
  throw new PspnetError("format", `${name}: ${problem}`);
}
