import { fromFloat32 } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import type { PRECISION_DTYPE } from "../tensor/precision.js";

/** Element types that networks are exported in. */
export type FloatType = (typeof PRECISION_DTYPE)["fp32" | "fp16"];

const LARGEST_FLOAT16 = 65_504;

/**
 * The bytes of a tensor's numbers as elements of a type. Halves take half the room and keep 3 digits.
 *
 * @throws PspnetError "weights" naming the tensor, for a number beyond float16.
 */
export function elements(name: string, values: Float32Array, dtype: FloatType): Uint8Array {
  const at = dtype === "float16" ? values.findIndex((value) => Math.abs(value) > LARGEST_FLOAT16) : -1;
  if (at < 0) return fromFloat32(values, dtype);
  const expected = `numbers of at most ${LARGEST_FLOAT16} for fp16`;
  throw new PspnetError("weights", `${name}: expected ${expected}, found ${values[at]} at ${at}; export as fp32`);
}
