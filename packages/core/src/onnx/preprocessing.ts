import type { Normalisation } from "../image/normalise.js";
import type { LoweringContext } from "./context.js";
import type { OnnxValue } from "./proto.js";

/**
 * What a network computes on, `[n, 3, h, w]` in the context's type, of what the model is given: normalised float32 as it is, or
 * uint8 `[n, h, w, 3]` RGB, of which it makes (value / 255 - mean) / std in the network's order of channels.
 */
export function preprocessing(
  context: LoweringContext,
  images: OnnxValue,
  { mean, std, channelOrder, output }: Normalisation & { readonly output: string },
): void {
  const { builder, dtype } = context;
  if (images.dtype !== "uint8") {
    if (output !== images.name) builder.cast(images.name, dtype, output);
    return;
  }
  const channels = channelOrder === "rgb" ? [0, 1, 2] : [2, 1, 0];
  const constant = (name: string, value: (channel: number) => number) =>
    builder.floats(`${output}.${name}`, Float32Array.from(channels, value), { shape: [3, 1, 1] });
  let value = builder.node("Transpose", [images.name], {
    output: `${output}.planes`,
    attributes: { perm: [0, 3, 1, 2] },
  });
  if (channelOrder === "bgr") {
    const inputs = [value, builder.integers(channels)];
    value = builder.node("Gather", inputs, { output: `${output}.bgr`, attributes: { axis: 1 } });
  }
  const scale = constant("scale", (channel) => 1 / (255 * std[channel]));
  const shift = constant("shift", (channel) => -mean[channel] / std[channel]);
  value = builder.cast(value, "float32", `${output}.values`);
  value = builder.node("Mul", [value, scale], { output: `${output}.scaled` });
  const half = dtype === "float16";
  value = builder.node("Add", [value, shift], { output: half ? `${output}.normalised` : output });
  if (half) builder.cast(value, dtype, output);
}
