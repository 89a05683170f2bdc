import type { Random } from "@pspnet/core";

/** What was drawn for the colours of one sample. */
export interface ColourChange {
  /** Added to every value of 0 to 255. */
  readonly brightness: number;
  /** What every value is multiplied by. */
  readonly contrast: number;
  /** Whether the contrast comes before the colours rather than after them. */
  readonly contrastFirst: boolean;
  /** What HSV's saturation is multiplied by. */
  readonly saturation: number;
  /** Degrees by which HSV's hue is turned. */
  readonly hue: number;
}

/**
 * Each of half of the samples: brightness up to 32 either way, contrast and saturation from 0.5 to 1.5, hue up to 36 degrees either way,
 * as mmsegmentation's `PhotoMetricDistortion`, which works on bytes, and hues of 2 degrees. Draws always the same count of numbers.
 */
export function drawColourChange(generator: Random): ColourChange {
  const half = (from: number, to: number, unchanged: number) => {
    const changed = generator.next() < 0.5;
    const drawn = generator.uniform(from, to);
    return changed ? drawn : unchanged;
  };
  return {
    brightness: half(-32, 32, 0),
    contrastFirst: generator.next() < 0.5,
    contrast: half(0.5, 1.5, 1),
    saturation: half(0.5, 1.5, 1),
    hue: half(-36, 36, 0),
  };
}

/** Changes `count` interleaved RGB pixels of 0 to 255 in place. After each stage values are limited to that range. */
export function changeColours(pixels: Float32Array, count: number, change: ColourChange): void {
  const { brightness, contrast, contrastFirst, saturation, hue } = change;
  const values = pixels.subarray(0, 3 * count);
  if (brightness !== 0) for (let i = 0; i < values.length; i++) values[i] = limited(values[i] + brightness);
  if (contrastFirst) scale(values, contrast);
  if (saturation !== 1 || hue !== 0)
    for (let i = 0; i < values.length; i += 3) changeHsv(values, i, { saturation, hue });
  if (!contrastFirst) scale(values, contrast);
}

const limited = (value: number) => Math.min(255, Math.max(0, value));

function scale(values: Float32Array, factor: number): void {
  if (factor !== 1) for (let i = 0; i < values.length; i++) values[i] = limited(values[i] * factor);
}

/** One pixel: its saturation times a factor, 1 at most, and its hue turned, at the same value. */
function changeHsv(
  values: Float32Array,
  at: number,
  { saturation, hue }: Pick<ColourChange, "saturation" | "hue">,
): void {
  const [r, g, b] = [values[at], values[at + 1], values[at + 2]];
  const most = Math.max(r, g, b);
  const range = most - Math.min(r, g, b);
  if (range === 0) return;
  // In sixths of the circle, from red.
  const sixths = most === r ? (g - b) / range : most === g ? 2 + (b - r) / range : 4 + (r - g) / range;
  const turned = sixths + hue / 60;
  const spread = Math.min(range * saturation, most);
  for (const [channel, offset] of [5, 3, 1].entries()) {
    const place = (((offset + turned) % 6) + 6) % 6;
    values[at + channel] = most - spread * Math.max(0, Math.min(place, 4 - place, 1));
  }
}
