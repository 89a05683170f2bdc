import type { StoredDType } from "./tensor.js";

/** What PyTorch calls its storages, in the module `torch`, by their element type. */
export const TORCH_STORAGES: Readonly<Partial<Record<StoredDType, string>>> = {
  float64: "DoubleStorage",
  float32: "FloatStorage",
  bfloat16: "BFloat16Storage",
  float16: "HalfStorage",
  int64: "LongStorage",
  int32: "IntStorage",
  int16: "ShortStorage",
  int8: "CharStorage",
  uint8: "ByteStorage",
  bool: "BoolStorage",
};
