import type { State, WritableTensor } from "@pspnet/checkpoints";
import { elements, type FloatType } from "./elements.js";

/**
 * Weights as elements of another type.
 *
 * @throws PspnetError "weights" as {@link elements} does.
 */
export function storedAs(state: State, dtype: FloatType): Map<string, WritableTensor> {
  return new Map(
    [...state].map(([name, tensor]) => {
      const bytes = elements(name, tensor.float32(), dtype);
      return [name, { dtype, shape: tensor.shape, bytes }] as const;
    }),
  );
}
