import { numbers, oneOf } from "../config/field.js";
import { type ConfigOf, kind } from "../config/kind.js";
import { mismatch } from "../config/problem.js";
import { PspnetError } from "../error.js";
import type { Size } from "./image.js";

/** Mean and standard deviation of ImageNet's channels, RGB, of values from 0 to 1. */
export const IMAGENET_MEAN = [0.485, 0.456, 0.406] as const;
export const IMAGENET_STD = [0.229, 0.224, 0.225] as const;

/** How a network wants its input. */
export const normalised = kind({
  name: "normalised",
  fields: {
    mean: numbers(
      "numbers from 0 to 1, one a channel (of values from 0 to 1: divide those of values from 0 to 255 by 255)",
      (value) => value >= 0 && value <= 1,
      {
        default: IMAGENET_MEAN,
        meaning:
          "what is taken from each channel, of values from 0 to 1; images have as many channels as there are numbers",
      },
    ),
    std: numbers(
      "numbers above 0, 1 at most, one a channel (of values from 0 to 1: divide those of values from 0 to 255 by 255)",
      (value) => value > 0 && value <= 1,
      { default: IMAGENET_STD, meaning: "what each channel is then divided by, of values from 0 to 1" },
    ),
    channelOrder: oneOf(["rgb", "bgr"], { default: "rgb", meaning: "order of the channels in the network's input" }),
  },
  check: ({ mean, std, channelOrder }) => [
    ...(std.length === mean.length
      ? []
      : [mismatch(["std"], `as many numbers as input.mean has, ${mean.length}, one a channel`, std)]),
    ...(mean.length === 3 || channelOrder === "rgb"
      ? []
      : [
          mismatch(
            ["channelOrder"],
            `rgb, each channel in its own place, for the ${mean.length} of input.mean`,
            channelOrder,
          ),
        ]),
  ],
  create: (options) => options,
});

/**
 * Mean and deviation of each channel, of values from 0 to 1: red, green and blue for photographs, whatever the order of the channels in
 * the network's input.
 */
export type Normalisation = Omit<ConfigOf<typeof normalised>, "kind">;

/** Channels of the images that a network looks at. */
export function inputChannels({ mean }: Pick<Normalisation, "mean">): number {
  return mean.length;
}

export const IMAGENET: Normalisation = { mean: IMAGENET_MEAN, std: IMAGENET_STD, channelOrder: "rgb" };

/** Interleaved channels of values from 0 to 255, whole or not. */
export interface Pixels extends Size {
  readonly data: Uint8Array | Float32Array;
}

/**
 * (value / 255 - mean) / std of each pixel, as the planes `[c, h, w]` that a network takes.
 *
 * @param options.out Where to write them, for instance a picture's place in a batch; else new memory.
 * @throws PspnetError "data" when the pixels or `out` are not a value a channel and pixel.
 */
export function normalise(
  image: Pixels,
  options: Normalisation & { readonly out?: Float32Array } = IMAGENET,
): Float32Array {
  const plane = image.width * image.height;
  const channels = inputChannels(options);
  const { mean, std, channelOrder, out = new Float32Array(channels * plane) } = options;
  const { data } = image;
  if (data.length !== channels * plane || out.length !== channels * plane) {
    const found = `${data.length} values in and room for ${out.length} out`;
    throw new PspnetError(
      "data",
      `normalise: expected ${channels * plane} values for ${image.height}x${image.width}, found ${found}`,
    );
  }
  for (let c = 0; c < channels; c++) {
    const scale = 1 / (255 * std[c]);
    const shift = -mean[c] / std[c];
    const start = plane * (channelOrder === "rgb" ? c : 2 - c);
    for (let i = 0; i < plane; i++) out[start + i] = data[channels * i + c] * scale + shift;
  }
  return out;
}

/** How the bytes of images, interleaved, become a network's input. */
export interface ByteInput {
  /** What each byte of each channel becomes, `[c, 256]`. */
  readonly table: Float32Array;
  /** Whether the network takes the channels in the reverse order: BGR. */
  readonly reversed: boolean;
}

/** What {@link normalise} makes of bytes. */
export function byteInput({ mean, std, channelOrder }: Normalisation): ByteInput {
  const table = Float32Array.from({ length: 256 * mean.length }, (_, i) => {
    const channel = i >> 8;
    return (i & 255) * (1 / (255 * std[channel])) - mean[channel] / std[channel];
  });
  return { table, reversed: channelOrder === "bgr" };
}
