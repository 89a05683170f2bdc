import { allFinite, fromFloat32, type State, type WritableTensor } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";

/**
 * Weights as elements of another type. Halves take half the room and keep 3 digits.
 *
 * @throws PspnetError "weights" naming the first tensor that holds numbers beyond the type's.
 */
export function storedAs(state: State, dtype: "float32" | "float16"): Map<string, WritableTensor> {
  const stored = new Map<string, WritableTensor>();
  for (const [name, tensor] of state) {
    const values = tensor.float32();
    const bytes = fromFloat32(values, dtype);
    if (!allFinite(bytes, dtype)) {
      const largest = values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      throw new PspnetError(
        "weights",
        `${name}: expected numbers that ${dtype} holds, found ${largest.toPrecision(3)}; store them as float32`,
      );
    }
    stored.set(name, { dtype, shape: tensor.shape, bytes });
  }
  return stored;
}
