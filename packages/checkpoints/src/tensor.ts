/** Element types that a file of weights may hold, PyTorch's names. */
export type StoredDType =
  | "float64"
  | "float32"
  | "bfloat16"
  | "float16"
  | "int64"
  | "int32"
  | "int16"
  | "int8"
  | "uint64"
  | "uint32"
  | "uint16"
  | "uint8"
  | "bool";

export type Shape = readonly number[];

/** One tensor of a file of weights, whatever its format. */
export interface StateTensor {
  readonly shape: Shape;
  /** The element type in the file. */
  readonly dtype: StoredDType;
  /** The elements in row-major order, as float32. */
  float32(): Float32Array;
}

/** Tensors by name. */
export type State = ReadonlyMap<string, StateTensor>;
