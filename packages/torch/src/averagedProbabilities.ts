import type { ProtocolRules } from "@pspnet/core";
import type { AverageOptions, ScaledLogits } from "@pspnet/core/segment";
import { type Handle, native } from "./binding.js";
import { keep } from "./scope.js";
import { Tensor } from "./tensor.js";

/**
 * core's `averagedProbabilities` of logits `[1 or 2, c, h, w]`, off the event loop: in a kernel for float32 on a processor, else by
 * libtorch's operations on bands of rows.
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

/** In the order of the native enumeration. */
const SOFTMAX: readonly ProtocolRules["softmax"][] = ["view", "window", "image"];

async function average(
  scales: readonly ScaledLogits<Tensor>[],
  { size, rows = [0, size.height], alignCorners, rules }: AverageOptions,
  labels: boolean,
): Promise<unknown> {
  const numbers = scales.flatMap(({ size, grid: { padding, window, windows }, enlarged }) => [
    ...[size.height, size.width, padding.top, padding.left],
    ...[window.height, window.width, enlarged.height, enlarged.width],
    windows.length,
    ...windows.flatMap(({ top, left }) => [top, left]),
  ]);
  const logits = scales.flatMap(({ windows }) => windows.map(({ handle }) => handle));
  const parts = [SOFTMAX.indexOf(rules.softmax), rules.image === "matlab", rules.image === "network"];
  const given = [numbers, logits, [size.height, size.width], rows, alignCorners, ...parts, labels];
  using result = keep(new Tensor((await native().averaged(...given)) as Handle));
  return result.toArray();
}
