import { roundHalfEven } from "@pspnet/checkpoints";
import { type ResizeAxis, smoothAxis } from "../tensor/resizeAxis.js";
import { channelsOf, type Image, type Size } from "./image.js";

/**
 * How the bytes of a photograph become those of another size:
 *
 * - `opencv`: `cv2.resize` with `INTER_LINEAR`, not smoothed when shrinking.
 * - `pillow`: `Image.resize` with `BILINEAR`: smoothed when shrinking; across, rounded, then down.
 * - `matlab`: `imresize` with `bilinear`: likewise smoothed and rounded, first along the side that shrinks more, down where both do alike.
 */
export type ByteResize = "opencv" | "pillow" | "matlab";

/** An image at another size, in bytes, with the fixed-point arithmetic of the program of that name; MATLAB's is not known. */
export function resizeBytes(image: Image, { height, width }: Size, how: ByteResize): Image {
  if (image.height === height && image.width === width) return image;
  const { axis, across, down } = WAYS[how];
  const columns = axis(image.width, width);
  const rows = axis(image.height, height);
  const downFirst = how === "matlab" && height / image.height <= width / image.width;
  const channels = channelsOf(image);
  const source = { ...image, channels };
  const { data } = downFirst
    ? alongRows(alongColumns(source, rows, down), columns, across)
    : alongColumns(alongRows(source, columns, across), rows, down);
  return { width, height, channels, data: Uint8Array.from(data) };
}

/** The weights as they are multiplied, and what becomes of the sum of products. */
interface Arithmetic {
  readonly weight: (exact: number) => number;
  /** Of a value and its weight. */
  readonly product?: (value: number, weight: number) => number;
  readonly result: (sum: number) => number;
}

/** Along one side; what lies beyond its ends is as they are. */
interface ByteAxis extends Omit<ResizeAxis, "first"> {
  readonly first: Uint32Array | Int32Array;
}

interface Way {
  readonly axis: (source: number, target: number) => ByteAxis;
  readonly across: Arithmetic;
  readonly down: Arithmetic;
}

const INTEGER = (bits: number) => (exact: number) => roundHalfEven(exact * 2 ** bits);

const PILLOW: Arithmetic = { weight: INTEGER(22), result: (sum) => Math.floor(sum / 2 ** 22 + 0.5) };
/** Halves go up, also those that rounding of doubles has put a little below. */
const MATLAB: Arithmetic = { weight: (exact) => exact, result: (sum) => Math.floor(sum + 0.5 + 1e-9) };

const WAYS: Readonly<Record<ByteResize, Way>> = {
  opencv: {
    axis: overhangingAxis,
    across: { weight: INTEGER(11), result: (sum) => sum },
    // It drops the lowest bits of each product.
    down: {
      weight: INTEGER(11),
      product: (value, weight) => (weight * (value >> 4)) >> 16,
      result: (sum) => (sum + 2) >> 2,
    },
  },
  pillow: {
    axis: (source, target) => smoothAxis(source, target, { edges: "none" }),
    across: PILLOW,
    down: PILLOW,
  },
  matlab: {
    axis: (source, target) => smoothAxis(source, target, { edges: "mirrored" }),
    across: MATLAB,
    down: MATLAB,
  },
};

/** Between the two nearest of positions in single precision, which at the ends are the same one twice. */
function overhangingAxis(source: number, target: number): ByteAxis {
  const at = Float32Array.from({ length: target }, (_, i) => (i + 0.5) * (source / target) - 0.5);
  const first = Int32Array.from(at, Math.floor);
  const weights = new Float64Array(2 * target);
  for (let i = 0; i < target; i++) [weights[2 * i], weights[2 * i + 1]] = [1 + first[i] - at[i], at[i] - first[i]];
  return { taps: 2, first, weights };
}

/** Interleaved channels on their way. */
interface Values extends Size {
  readonly channels: number;
  readonly data: Uint8Array | Float64Array;
}

function within(at: number, count: number): number {
  return Math.min(Math.max(at, 0), count - 1);
}

const times = (value: number, weight: number) => value * weight;

function alongRows(source: Values, { taps, first, weights }: ByteAxis, how: Arithmetic): Values {
  const { height, width, channels, data } = source;
  const { product = times, result } = how;
  const factors = weights.map(how.weight);
  const target = first.length;
  const made = new Float64Array(channels * height * target);
  for (let y = 0, i = 0; y < height; y++) {
    for (let x = 0; x < target; x++) {
      for (let c = 0; c < channels; c++, i++) {
        let sum = 0;
        for (let k = 0; k < taps; k++) {
          const factor = factors[x * taps + k];
          if (factor > 0) sum += product(data[channels * (y * width + within(first[x] + k, width)) + c], factor);
        }
        made[i] = result(sum);
      }
    }
  }
  return { ...source, width: target, data: made };
}

function alongColumns(source: Values, { taps, first, weights }: ByteAxis, how: Arithmetic): Values {
  const { height, width, channels, data } = source;
  const { product = times, result } = how;
  const factors = weights.map(how.weight);
  const target = first.length;
  const length = channels * width;
  const made = new Float64Array(length * target);
  for (let y = 0; y < target; y++) {
    const row = made.subarray(y * length, (y + 1) * length);
    for (let k = 0; k < taps; k++) {
      const factor = factors[y * taps + k];
      const from = within(first[y] + k, height) * length;
      if (factor > 0) for (let i = 0; i < length; i++) row[i] += product(data[from + i], factor);
    }
    for (let i = 0; i < length; i++) row[i] = result(row[i]);
  }
  return { ...source, height: target, data: made };
}
