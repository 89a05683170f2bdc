import { type Handle, native } from "./binding.js";
import { keep } from "./scope.js";
import { Tensor } from "./tensor.js";

/** core's `blendedProbabilities` of logits `[1 or 2, c, h, w]`, in float32, off the event loop. The caller disposes of the result. */
export async function blendedProbabilities(logits: Tensor, before: Tensor | undefined, share: number): Promise<Tensor> {
  return keep(new Tensor((await native().blended(logits.handle, before?.handle, share)) as Handle));
}
