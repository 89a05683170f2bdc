import { type Handle, native } from "./binding.js";
import { fromBuffer, tensor } from "./data.js";
import { keep } from "./scope.js";
import { Tensor } from "./tensor.js";

/** Height and width. */
type Size = readonly [number, number];

export interface ScaledFeaturesOptions {
  /** The network's input for each byte of each channel, `[3, 256]`. */
  readonly table: Float32Array;
  /** Size that the image is resized to, bilinearly with half-pixel centres and without smoothing. */
  readonly size: Size;
  /** Zeros that it then gets on the left, right, top and bottom. */
  readonly padding: readonly [number, number, number, number];
}

/** The network's input for a photograph `[h, w, 3]` at another size: `[1, 3, h, w]` of the padded size. Made off the event loop. */
export async function scaledFeatures(
  photograph: Uint8Array,
  shape: Size,
  { table, size, padding }: ScaledFeaturesOptions,
): Promise<Tensor> {
  using bytes = keep(fromBuffer(photograph, [1, ...shape, 3]));
  using values = keep(tensor(table, [3, 256]));
  return new Tensor((await native().scaledFeatures(bytes.handle, values.handle, size, padding)) as Handle);
}

/** Logits of windows of an image at one scale. */
export interface ScaledLogits {
  /** Of the image at this scale. */
  readonly size: Size;
  /** What stands above it and to its left in the padded image. */
  readonly padding: { readonly top: number; readonly left: number };
  readonly window: Size;
  /** What the logits of a window are enlarged to: its size, or more, the rest of which is cut off. */
  readonly enlarged: Size;
  readonly windows: readonly {
    /** The upper left corner in the padded image. */
    readonly top: number;
    readonly left: number;
    /** `[1, c, h, w]`, or `[2, c, h, w]` with those of the window's mirror image. */
    readonly logits: Tensor;
  }[];
}

export interface AverageOptions {
  /** Of the image. */
  readonly size: Size;
  /** Of the enlargement of the logits. */
  readonly alignCorners: boolean;
}

/**
 * Class probabilities `[c, h, w]` of an image: the softmax of the enlarged logits, averaged over windows, mirror images and scales.
 * The image's rows are made one at a time, off the event loop, so the enlarged logits never exist.
 */
export async function averagedProbabilities(
  scales: readonly ScaledLogits[],
  options: AverageOptions,
): Promise<Float32Array> {
  return (await average(scales, options, false)) as Float32Array;
}

/** The class of largest {@link averagedProbabilities} of each pixel, `[h, w]`. */
export async function averagedLabels(scales: readonly ScaledLogits[], options: AverageOptions): Promise<Uint8Array> {
  return (await average(scales, options, true)) as Uint8Array;
}

async function average(
  scales: readonly ScaledLogits[],
  { size, alignCorners }: AverageOptions,
  labels: boolean,
): Promise<unknown> {
  const numbers = scales.flatMap(({ size, padding, window, enlarged, windows }) => [
    ...[...size, padding.top, padding.left, ...window, ...enlarged, windows.length],
    ...windows.flatMap(({ top, left }) => [top, left]),
  ]);
  const logits = scales.flatMap(({ windows }) => windows.map(({ logits }) => logits.handle));
  using result = keep(new Tensor((await native().averaged(numbers, logits, size, alignCorners, labels)) as Handle));
  return result.toArray();
}
