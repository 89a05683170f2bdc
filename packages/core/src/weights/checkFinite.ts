import { allFinite, fromFloat32, type StateTensor } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";

/**
 * Refuses weights that compute nothing: they give labels all the same.
 *
 * @throws PspnetError "weights" naming the first tensor that holds an infinite number or NaN.
 */
export function checkFinite(tensors: ReadonlyMap<string, MaybeStored>): void {
  for (const [name, tensor] of tensors) {
    if (holdsNumbers(tensor)) continue;
    const values = tensor.float32();
    const count = values.reduce((sum, value) => sum + (Number.isFinite(value) ? 0 : 1), 0);
    const found = `${count} of ${values.length} that are infinite or NaN`;
    throw new PspnetError(
      "weights",
      `${name}: expected finite numbers, found ${found}; the training that wrote them diverged, or the file is damaged; take others`,
    );
  }
}

/** A tensor, with its elements as they stand in the file where they are at hand: those are looked at without a copy. */
type MaybeStored = StateTensor & { readonly bytes?: Uint8Array };

function holdsNumbers(tensor: MaybeStored): boolean {
  const { bytes, dtype } = tensor;
  return bytes ? allFinite(bytes, dtype) : allFinite(fromFloat32(tensor.float32(), "float32"), "float32");
}
