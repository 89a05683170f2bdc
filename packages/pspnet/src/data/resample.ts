import { roundHalfEven } from "@pspnet/checkpoints";
import { channelsOf, IGNORE, type Image, type LabelMap, type Size } from "@pspnet/core";

/** Pixels `[x, x + width) x [y, y + height)` of a larger image. */
export interface Region {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** One side of an image enlarged by `scale`, rounded as cv2 rounds: halves to the even neighbour. At least 1. */
export function scaledSide(side: number, scale: number): number {
  return Math.max(1, roundHalfEven(side * scale));
}

/**
 * `region` of `image` enlarged by `scale`: cv2.resize with INTER_LINEAR on float32 (half-pixel centres, edges repeated),
 * horizontal pass first.
 *
 * @param out Interleaved channels, `[region.height, region.width, c]`; may be longer.
 */
export function scaleImage(
  image: Image,
  options: { readonly scale: number; readonly region: Region; readonly out: Float32Array },
): void {
  const { scale, region, out } = options;
  const channels = channelsOf(image);
  const row = channels * region.width;
  const columns = taps(image.width, { scale, start: region.x, count: region.width, step: channels });
  const lines = taps(image.height, { scale, start: region.y, count: region.height, step: 1 });
  let upper = { line: -1, values: new Float32Array(row) };
  let lower = { line: -1, values: new Float32Array(row) };
  for (let y = 0; y < region.height; y++) {
    const line = lines.first[y];
    const next = lines.second[y];
    if (lower.line === line) [upper, lower] = [lower, upper];
    if (upper.line !== line) {
      scaleRow(image, { line, columns, out: upper.values });
      upper.line = line;
    }
    if (lower.line !== next) {
      scaleRow(image, { line: next, columns, out: lower.values });
      lower.line = next;
    }
    const weight = lines.weight[y];
    const above = upper.values;
    const below = lower.values;
    const start = y * row;
    for (let i = 0; i < row; i++) out[start + i] = above[i] * (1 - weight) + below[i] * weight;
  }
}

/**
 * `region` of `label` enlarged by `scale`: cv2.resize with INTER_NEAREST, which takes pixel floor(x / scale).
 *
 * @param out `[region.height, region.width]`; may be longer.
 */
export function scaleLabel(
  label: LabelMap,
  options: { readonly scale: number; readonly region: Region; readonly out: Uint8Array },
): void {
  const { scale, region, out } = options;
  const step = 1 / scale;
  const columns = Uint32Array.from({ length: region.width }, (_, x) =>
    Math.min(label.width - 1, Math.floor((region.x + x) * step)),
  );
  for (let y = 0; y < region.height; y++) {
    const source = Math.min(label.height - 1, Math.floor((region.y + y) * step)) * label.width;
    const start = y * region.width;
    for (let x = 0; x < region.width; x++) out[start + x] = label.data[source + columns[x]];
  }
}

/** A turn about an image's middle (width / 2, height / 2), degrees counter-clockwise, as cv2.getRotationMatrix2D. */
export interface Turn {
  readonly degrees: number;
  /** Of the whole image, which keeps its size. */
  readonly size: Size;
}

/** The smallest region of the image from which {@link rotateImage} and {@link rotateLabel} make `region`. */
export function rotationSource(region: Region, turn: Turn): Region {
  const { cos, sin, middleX, middleY } = rotation(turn);
  const { width, height } = turn.size;
  const xs: number[] = [];
  const ys: number[] = [];
  for (const x of [region.x, region.x + region.width - 1]) {
    for (const y of [region.y, region.y + region.height - 1]) {
      xs.push(cos * (x - middleX) - sin * (y - middleY) + middleX);
      ys.push(sin * (x - middleX) + cos * (y - middleY) + middleY);
    }
  }
  // One pixel more on each side than the four neighbours, so that rounding of a corner cannot matter.
  const left = clamp(Math.floor(Math.min(...xs)) - 1, { low: 0, high: width - 1 });
  const top = clamp(Math.floor(Math.min(...ys)) - 1, { low: 0, high: height - 1 });
  const right = clamp(Math.floor(Math.max(...xs)) + 2, { low: left, high: width - 1 });
  const bottom = clamp(Math.floor(Math.max(...ys)) + 2, { low: top, high: height - 1 });
  return { x: left, y: top, width: right - left + 1, height: bottom - top + 1 };
}

/** What the two rotations work on: `from` is the part of the image that `source` holds, `region` the part to make. */
interface Rotation<T> {
  readonly turn: Turn;
  readonly source: T;
  readonly from: Region;
  readonly region: Region;
  readonly out: T;
}

/**
 * cv2.warpAffine with INTER_LINEAR and a constant border, but for cv2's rounding of positions to 1/32 pixel.
 *
 * @param options.fill The border's colour, of as many channels as the image has.
 */
export function rotateImage(options: Rotation<Float32Array> & { readonly fill: Float32Array }): void {
  const { turn, source, from, region, out, fill } = options;
  const { cos, sin, middleX, middleY } = rotation(turn);
  const { width, height } = turn.size;
  const channels = fill.length;
  const row = channels * from.width;
  const inside = (x: number, y: number) => x >= 0 && x < width && y >= 0 && y < height;
  const value = (x: number, y: number, c: number) =>
    inside(x, y) ? source[(y - from.y) * row + channels * (x - from.x) + c] : fill[c];
  let at = 0;
  for (let j = 0; j < region.height; j++) {
    const dy = region.y + j - middleY;
    for (let i = 0; i < region.width; i++, at += channels) {
      const dx = region.x + i - middleX;
      const sx = cos * dx - sin * dy + middleX;
      const sy = sin * dx + cos * dy + middleY;
      const x = Math.floor(sx);
      const y = Math.floor(sy);
      const right = sx - x;
      const bottom = sy - y;
      const w00 = (1 - right) * (1 - bottom);
      const w01 = right * (1 - bottom);
      const w10 = (1 - right) * bottom;
      const w11 = right * bottom;
      if (x >= 0 && x + 1 < width && y >= 0 && y + 1 < height) {
        const p = (y - from.y) * row + channels * (x - from.x);
        const q = p + row;
        if (channels === 3) {
          out[at] = source[p] * w00 + source[p + 3] * w01 + source[q] * w10 + source[q + 3] * w11;
          out[at + 1] = source[p + 1] * w00 + source[p + 4] * w01 + source[q + 1] * w10 + source[q + 4] * w11;
          out[at + 2] = source[p + 2] * w00 + source[p + 5] * w01 + source[q + 2] * w10 + source[q + 5] * w11;
        } else
          for (let c = 0, a = p, b = q; c < channels; c++, a++, b++)
            out[at + c] = source[a] * w00 + source[a + channels] * w01 + source[b] * w10 + source[b + channels] * w11;
      } else if (x >= -1 && x < width && y >= -1 && y < height) {
        for (let c = 0; c < channels; c++) {
          const above = value(x, y, c) * w00 + value(x + 1, y, c) * w01;
          out[at + c] = above + value(x, y + 1, c) * w10 + value(x + 1, y + 1, c) * w11;
        }
      } else {
        for (let c = 0; c < channels; c++) out[at + c] = fill[c];
      }
    }
  }
}

/** As {@link rotateImage} with INTER_NEAREST; {@link IGNORE} beyond the border. */
export function rotateLabel({ turn, source, from, region, out }: Rotation<Uint8Array>): void {
  const { cos, sin, middleX, middleY } = rotation(turn);
  const { width, height } = turn.size;
  let at = 0;
  for (let j = 0; j < region.height; j++) {
    const dy = region.y + j - middleY;
    for (let i = 0; i < region.width; i++, at++) {
      const dx = region.x + i - middleX;
      const x = Math.floor(cos * dx - sin * dy + middleX + 0.5);
      const y = Math.floor(sin * dx + cos * dy + middleY + 0.5);
      const inside = x >= 0 && x < width && y >= 0 && y < height;
      out[at] = inside ? source[(y - from.y) * from.width + x - from.x] : IGNORE;
    }
  }
}

function rotation({ degrees, size }: Turn) {
  const angle = (degrees * Math.PI) / 180;
  return { cos: Math.cos(angle), sin: Math.sin(angle), middleX: size.width / 2, middleY: size.height / 2 };
}

/** For each new position along one side: the two old ones, times `step`, and the weight of the second. */
interface Taps {
  readonly first: Uint32Array;
  readonly second: Uint32Array;
  readonly weight: Float32Array;
}

function taps(
  side: number,
  options: { readonly scale: number; readonly start: number; readonly count: number; readonly step: number },
): Taps {
  const { scale, start, count, step } = options;
  const first = new Uint32Array(count);
  const second = new Uint32Array(count);
  const weight = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const exact = clamp((start + i + 0.5) / scale - 0.5, { low: 0, high: side - 1 });
    const floor = Math.floor(exact);
    first[i] = step * floor;
    second[i] = step * Math.min(floor + 1, side - 1);
    weight[i] = exact - floor;
  }
  return { first, second, weight };
}

function scaleRow(
  image: Image,
  { line, columns, out }: { readonly line: number; readonly columns: Taps; readonly out: Float32Array },
): void {
  const { data } = image;
  const { first, second, weight } = columns;
  const channels = channelsOf(image);
  const start = channels * line * image.width;
  for (let x = 0, at = 0; x < first.length; x++, at += channels) {
    const p = start + first[x];
    const q = start + second[x];
    const right = weight[x];
    const left = 1 - right;
    if (channels === 3) {
      out[at] = data[p] * left + data[q] * right;
      out[at + 1] = data[p + 1] * left + data[q + 1] * right;
      out[at + 2] = data[p + 2] * left + data[q + 2] * right;
    } else for (let c = 0; c < channels; c++) out[at + c] = data[p + c] * left + data[q + c] * right;
  }
}

function clamp(value: number, { low, high }: { readonly low: number; readonly high: number }): number {
  return Math.min(high, Math.max(low, value));
}
