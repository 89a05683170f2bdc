import type { DType } from "./tensor.js";

/** Element types of a network's weights and features, by what it computes in. */
export const PRECISION_DTYPE = {
  fp32: "float32",
  bf16: "bfloat16",
  fp16: "float16",
} as const satisfies Record<string, DType>;

/** What a network computes in: float32, or a half of it with float32's range (bf16) or with more digits (fp16). */
export type Precision = keyof typeof PRECISION_DTYPE;

/** Those that every processor computes. */
export const PRECISIONS = ["fp32", "bf16"] as const satisfies readonly Precision[];

/** What a network predicts in: or in whole numbers of 8 bits, where its weights were quantised. */
export type PredictionPrecision = Precision | "int8";

export const PREDICTION_PRECISIONS = [...PRECISIONS, "int8"] as const satisfies readonly PredictionPrecision[];
