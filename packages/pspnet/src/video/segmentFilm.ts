import {
  inputChannels,
  type Network,
  PspnetError,
  type RgbImage,
  type Segmentation,
  type SegmentOptions,
  shown,
} from "@pspnet/core";
import { type Film, probeFilm } from "./film.js";
import { type FramePlace, readFrames } from "./readFrames.js";

export interface FilmOptions extends SegmentOptions {
  /** Segments the first of so many frames. */
  readonly every?: number;
  /**
   * Averages class probabilities over time, with weights that fall to 1/e in so many seconds: of a frame that comes t seconds after the
   * one before it, 1 - exp(-t / smooth) is its own, and the rest the average before.
   */
  readonly smooth?: number;
}

/** What a network found in a frame of a film. */
export interface FilmFrame extends FramePlace {
  readonly segmentation: Segmentation;
}

/**
 * The frames of a film, segmented one after the other, by ffmpeg, which must be installed. The next ones are decoded and segmented while
 * one is used; there are never more than a few in memory.
 *
 * @param film path, or what `probeFilm` found.
 * @throws PspnetError "environment" without ffmpeg, "data" for what is no film, and, when the frames that can be decoded were given, for one
 * that is broken or cut off; as `Network.segmentAll` does.
 * @example for await (const { time, segmentation } of segmentFilm(net, "film.mp4", { every: 5 })) console.log(time, segmentation.areas);
 */
export async function* segmentFilm(
  net: Network,
  film: string | Film,
  { every = 1, smooth, ...options }: FilmOptions = {},
): AsyncGenerator<FilmFrame> {
  check("every", every, "a whole number from 1", Number.isSafeInteger(every) && every > 0);
  check("smooth", smooth, "seconds above 0", smooth === undefined || (smooth > 0 && smooth < Number.POSITIVE_INFINITY));
  const channels = inputChannels(net.description.config.input);
  if (channels !== 3)
    throw new PspnetError("usage", `films: expected a network of three channels, found one of ${channels}`);
  const places: FramePlace[] = [];
  const shares = new Shares(smooth);
  let broken: unknown;
  async function* images(): AsyncGenerator<RgbImage> {
    try {
      const found = typeof film === "string" ? await probeFilm(film) : film;
      for await (const { image, ...place } of readFrames(found, { every, signal: options.signal })) {
        places.push(place);
        shares.add(place.time);
        yield image;
      }
    } catch (error) {
      // What has been decoded is segmented all the same.
      broken = error;
    }
  }
  const sequence = { ...options, smooth: smooth === undefined ? undefined : () => shares.last };
  for await (const segmentation of net.segmentAll(images(), sequence)) {
    yield { ...places.shift()!, segmentation };
  }
  if (broken) throw broken;
}

/** How a frame counts in the average over time. */
class Shares {
  last = 1;
  #time = Number.NEGATIVE_INFINITY;
  readonly #seconds: number;

  constructor(seconds = 0) {
    this.#seconds = seconds;
  }

  add(time: number): void {
    this.last = -Math.expm1((this.#time - time) / this.#seconds);
    this.#time = time;
  }
}

function check(name: string, value: unknown, expected: string, holds: boolean): void {
  if (!holds) throw new PspnetError("usage", `segmentFilm: ${name}: expected ${expected}, found ${shown(value)}`);
}
