import type { AverageOptions, ScaledLogits } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import { fromBuffer, tensor } from "./data.js";
import type { ByteOptions } from "./plan.js";
import { keep } from "./scope.js";
import { Tensor } from "./tensor.js";

export interface ScaledFeaturesOptions extends ByteOptions {
  /** Size that the image is resized to, bilinearly with half-pixel centres and without smoothing. */
  readonly size: readonly [height: number, width: number];
  /** Zeros that it then gets on the left, right, top and bottom. */
  readonly padding: readonly [number, number, number, number];
}

/** The network's input for a photograph `[h, w, 3]` at another size: `[1, 3, h, w]` of the padded size. Made off the event loop. */
export async function scaledFeatures(
  photograph: Uint8Array,
  shape: readonly [height: number, width: number],
  { table, reversed, size, padding }: ScaledFeaturesOptions,
): Promise<Tensor> {
  using bytes = keep(fromBuffer(photograph, [1, ...shape, 3]));
  using values = keep(tensor(table, [3, 256]));
  const given = [bytes.handle, values.handle, reversed, size, padding];
  return new Tensor((await native().scaledFeatures(...given)) as Handle);
}

/**
 * core's `averagedProbabilities` of logits `[1 or 2, c, h, w]`, off the event loop: in a kernel for float32 on a processor, else by
 * libtorch's operations on whole maps.
 */
export async function averagedProbabilities(
  scales: readonly ScaledLogits<Tensor>[],
  options: AverageOptions,
): Promise<Float32Array> {
  return (await average(scales, options, false)) as Float32Array;
}

/** core's `averagedLabels`, likewise. */
export async function averagedLabels(
  scales: readonly ScaledLogits<Tensor>[],
  options: AverageOptions,
): Promise<Uint8Array> {
  return (await average(scales, options, true)) as Uint8Array;
}

async function average(
  scales: readonly ScaledLogits<Tensor>[],
  { size, alignCorners }: AverageOptions,
  labels: boolean,
): Promise<unknown> {
  const numbers = scales.flatMap(({ size, plan: { padding, window, windows }, enlarged }) => [
    ...[size.height, size.width, padding.top, padding.left],
    ...[window.height, window.width, enlarged.height, enlarged.width],
    windows.length,
    ...windows.flatMap(({ top, left }) => [top, left]),
  ]);
  const logits = scales.flatMap(({ windows }) => windows.map(({ handle }) => handle));
  const given = [numbers, logits, [size.height, size.width], alignCorners, labels];
  using result = keep(new Tensor((await native().averaged(...given)) as Handle));
  return result.toArray();
}
