import type { AverageOptions, ScaledLogits } from "../evaluate/averagedProbabilities.js";
import { bandsOf } from "../evaluate/bands.js";
import { type Pass, passesOf, windowGrid } from "../evaluate/tiles.js";
import type { Image, Size } from "../image/image.js";
import { resizeBytes } from "../image/resizeBytes.js";
import type { PSPNetConfig } from "../model/config.js";
import { alignedSize, wholeSides } from "../model/logits.js";
import type { Protocol } from "../protocols/protocol.js";
import type { AskOptions } from "./runtime.js";
import type { WindowPlace } from "./windowInput.js";

export interface LookOptions<Logits> extends Protocol, AskOptions {
  readonly config: PSPNetConfig;
  /** The logits of some windows of a photograph, all at one scale: of the image, or for protocols that resize bytes of what it is there. */
  readonly look: (photograph: Image, places: readonly WindowPlace[]) => Promise<Logits[]>;
  /** How many windows at most `look` takes at once; one when it is left out. */
  readonly together?: (place: Pick<WindowPlace, "size" | "flip">) => number;
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
  image: Image,
  { signal, onWindow, config, look, together = () => 1, free = () => {}, ...protocol }: LookOptions<Logits>,
): AsyncGenerator<BandLogits<Logits>> {
  const { flip, rules } = protocol;
  const { width, height } = image;
  const size = { width, height };
  const options = { size, rules, alignCorners: config.upsampling.alignCorners };
  const passes = passesOf(size, protocol, wholeSides(config)).map((pass) => ({
    pass,
    photograph: once(() => (rules.photograph === "float" ? image : resizeBytes(image, pass, rules.photograph))),
    held: new Map<number, Logits>(),
    ...resultOf(pass, size, { config, rules }),
  }));
  const total = passes.reduce((sum, { pass }) => sum + pass.grid.windows.length, 0);
  let done = 0;
  try {
    for (const band of bandsOf(
      size,
      passes.map(({ result }) => result),
      options,
    )) {
      for (const [p, { pass, photograph, held }] of passes.entries()) {
        const { padding, window, windows } = pass.grid;
        for (const [i, logits] of held) {
          if (band.windows[p].includes(i)) continue;
          held.delete(i);
          free(logits);
        }
        const place = { scaled: sizeOf(pass), window, size: alignedSize(window, config), flip };
        const next = band.windows[p].filter((i) => !held.has(i));
        for (const some of groupsOf(next, together(place))) {
          signal?.throwIfAborted();
          const corners = some.map((i) => ({
            top: windows[i].top - padding.top,
            left: windows[i].left - padding.left,
          }));
          const found = await look(
            photograph(),
            corners.map((corner) => ({ ...corner, ...place })),
          );
          for (const [k, i] of some.entries()) held.set(i, found[k]);
          done += some.length;
          onWindow?.(done, total);
        }
      }
      const scales = passes.map(({ result, enlarged, held }, p) => ({
        size: sizeOf(result),
        grid: { ...result.grid, windows: band.windows[p].map((i) => result.grid.windows[i]) },
        enlarged,
        windows: band.windows[p].map((i) => held.get(i)!),
      }));
      yield [scales, { ...options, rows: band.rows }];
    }
  } finally {
    for (const { held } of passes) for (const logits of held.values()) free(logits);
  }
}

/** What the logits of a pass are put together to: its own windows, or in one step the image. */
function resultOf(pass: Pass, size: Size, { config, rules }: Pick<LookOptions<unknown>, "config" | "rules">) {
  if (rules.image !== "one") return { result: pass, enlarged: alignedSize(pass.grid.window, config) };
  const grid = windowGrid(size, { crop: null, rules });
  return { result: { scale: pass.scale, ...size, grid }, enlarged: size };
}

function groupsOf<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => values.slice(i * size, (i + 1) * size));
}

function sizeOf({ height, width }: Size): Size {
  return { height, width };
}

/** What `make` gives, made when it is first asked for. */
function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
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
