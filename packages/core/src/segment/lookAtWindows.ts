import type { AverageOptions, ScaledLogits } from "../evaluate/averagedProbabilities.js";
import { bandsOf } from "../evaluate/bands.js";
import { type Pass, passesOf } from "../evaluate/tiles.js";
import type { Size } from "../image/image.js";
import type { PSPNetConfig } from "../model/config.js";
import { alignedSize } from "../model/logits.js";
import type { Protocol } from "./protocol.js";
import type { AskOptions } from "./runtime.js";

/** Where a window stands. */
export interface WindowPlace {
  /** Its upper left corner in the image at the pass's scale; outside of the image there is padding. */
  readonly top: number;
  readonly left: number;
  /** What it is padded to on the right and bottom. */
  readonly enlarged: Size;
}

export interface LookOptions<Logits> extends Protocol, AskOptions {
  readonly config: PSPNetConfig;
  /** The logits of one window. */
  readonly look: (pass: Pass, place: WindowPlace) => Promise<Logits>;
  /** Is given what no row needs any more. */
  readonly free?: (logits: Logits) => void;
}

/** What `averagedLabels` and `averagedProbabilities` make some rows of an image of. */
export type BandLogits<Logits> = readonly [
  ScaledLogits<Logits>[],
  AverageOptions & Required<Pick<AverageOptions, "rows">>,
];

/** Has a runtime look at the windows of an image, from top to bottom at all scales, and gives each band of rows as soon as it can be made. */
export async function* lookAtWindows<Logits>(
  { width, height }: Size,
  { signal, onWindow, config, look, free = () => {}, ...protocol }: LookOptions<Logits>,
): AsyncGenerator<BandLogits<Logits>> {
  const size = { width, height };
  const passes = passesOf(size, protocol).map((pass) => ({
    pass,
    enlarged: alignedSize(pass.grid.window, config),
    held: new Map<number, Logits>(),
  }));
  const total = passes.reduce((sum, { pass }) => sum + pass.grid.windows.length, 0);
  let done = 0;
  try {
    for (const band of bandsOf(
      size,
      passes.map(({ pass }) => pass),
    )) {
      for (const [p, { pass, enlarged, held }] of passes.entries()) {
        const { padding, windows } = pass.grid;
        for (const [i, logits] of held) {
          if (band.windows[p].includes(i)) continue;
          held.delete(i);
          free(logits);
        }
        for (const i of band.windows[p]) {
          if (held.has(i)) continue;
          signal?.throwIfAborted();
          const { top, left } = windows[i];
          held.set(i, await look(pass, { top: top - padding.top, left: left - padding.left, enlarged }));
          onWindow?.(++done, total);
        }
      }
      const scales = passes.map(({ pass, enlarged, held }, p) => ({
        size: { height: pass.height, width: pass.width },
        grid: { ...pass.grid, windows: band.windows[p].map((i) => pass.grid.windows[i]) },
        enlarged,
        windows: band.windows[p].map((i) => held.get(i)!),
      }));
      yield [scales, { size, rows: band.rows, alignCorners: config.upsampling.alignCorners }];
    }
  } finally {
    for (const { held } of passes) for (const logits of held.values()) free(logits);
  }
}

/** Puts what `average` makes of each band, `[planes, rows, w]`, into `image`, `[planes, h, w]`, and returns that. */
export async function fromBands<Logits, Values extends Uint8Array | Float32Array>(
  bands: AsyncIterable<BandLogits<Logits>>,
  average: (...band: BandLogits<Logits>) => Values | Promise<Values>,
  image: Values,
): Promise<Values> {
  for await (const [scales, options] of bands) {
    const { size, rows } = options;
    const values = await average(scales, options);
    const [plane, part] = [size.height * size.width, (rows[1] - rows[0]) * size.width];
    for (let c = 0; c < image.length / plane; c++)
      image.set(values.subarray(c * part, (c + 1) * part), c * plane + rows[0] * size.width);
  }
  return image;
}
