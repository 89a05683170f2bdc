import { symbol } from "../graph/dim.js";
import { inputChannels, type Normalisation } from "../image/normalise.js";
import type { PSPNetConfig } from "../model/config.js";
import { type AlignedSides, alignedSides, alignedSize } from "../model/logits.js";
import type { FloatType } from "../weights/elements.js";
import type { OnnxBuilder } from "./builder.js";
import type { OnnxValue } from "./proto.js";

export interface Prepared {
  /** The images normalised, float32 `[n, c, h, w]` in the network's order of channels. */
  readonly planes: OnnxValue;
  /** What the network reads: the same padded to `alignedSize`, in the type that it computes in. */
  readonly input: OnnxValue;
}

/** Makes what a network reads of what the model is given: normalised float32 `[n, c, h, w]`, or uint8 `[n, h, w, c]`, RGB. */
export function preprocessing(
  builder: OnnxBuilder,
  image: OnnxValue,
  { config, dtype }: { readonly config: PSPNetConfig; readonly dtype: FloatType },
): Prepared {
  const planes = normalised(builder, image, config.input);
  const padded = aligned(builder, planes, config);
  if (padded.dtype === dtype) return { planes, input: padded };
  return { planes, input: { ...padded, dtype, name: builder.cast(padded.name, dtype, "image.half") } };
}

/** (value / 255 - mean) / std in the network's order of channels; images that are not bytes are so already. */
function normalised(builder: OnnxBuilder, images: OnnxValue, input: Normalisation): OnnxValue {
  const { mean, std, channelOrder } = input;
  if (images.dtype !== "uint8") return images;
  const [n, h, w] = images.shape;
  const channels = [...Array(inputChannels(input)).keys()];
  if (channelOrder === "bgr") channels.reverse();
  const constant = (name: string, value: (channel: number) => number) =>
    builder.floats(name, Float32Array.from(channels, value), { shape: [channels.length, 1, 1] });
  const perm = [0, 3, 1, 2];
  let value = builder.node("Transpose", [images.name], { output: "image.planes", attributes: { perm } });
  if (channelOrder === "bgr") {
    const inputs = [value, builder.integers(channels)];
    value = builder.node("Gather", inputs, { output: "image.bgr", attributes: { axis: 1 } });
  }
  const scale = constant("image.scale", (channel) => 1 / (255 * std[channel]));
  const shift = constant("image.shift", (channel) => -mean[channel] / std[channel]);
  value = builder.cast(value, "float32", "image.values");
  value = builder.node("Mul", [value, scale], { output: "image.scaled" });
  value = builder.node("Add", [value, shift], { output: "image.normalised" });
  return { name: value, dtype: "float32", shape: [n, channels.length, h, w] };
}

/** Images with 0, the mean colour, on the right and bottom up to `alignedSize`. Its symbols are `aligned_h` and `aligned_w`. */
function aligned(builder: OnnxBuilder, images: OnnxValue, config: PSPNetConfig): OnnxValue {
  const [n, channels, h, w] = images.shape;
  const sides = alignedSides(config);
  if (sides.step === 1) return images;
  const padded = (pads: string, size: OnnxValue["shape"]): OnnxValue => {
    const name = builder.node("Pad", [images.name, pads], { output: "image.aligned" });
    return { ...images, name, shape: [n, channels, ...size] };
  };
  if (typeof h !== "number" || typeof w !== "number") {
    return padded(missing(builder, images.name, sides), [symbol("aligned_h"), symbol("aligned_w")]);
  }
  const { height, width } = alignedSize({ height: h, width: w }, config);
  if (height === h && width === w) return images;
  return padded(builder.integers([0, 0, 0, 0, 0, 0, height - h, width - w]), [height, width]);
}

/** The pads that `alignedSize` asks for, computed from the images' shape: ceil((side - offset) / step) step - (side - offset). */
function missing(builder: OnnxBuilder, images: string, { step, offset }: AlignedSides): string {
  const node = (operator: string, inputs: readonly string[], part: string) =>
    builder.node(operator, inputs, { output: `image.pads.${part}` });
  const list = (...values: readonly number[]) => builder.integers(values);
  const shape = node("Shape", [images], "shape");
  const sides = node("Gather", [shape, list(2, 3)], "sides");
  const last = node("Sub", [sides, list(offset)], "last");
  const above = node("Add", [last, list(step - 1)], "above");
  const steps = node("Div", [above, list(step)], "steps");
  const corners = node("Mul", [steps, list(step)], "corners");
  const end = node("Sub", [corners, last], "end");
  const attributes = { axis: 0 };
  return builder.node("Concat", [list(0, 0, 0, 0, 0, 0), end], { output: "image.pads", attributes });
}
