import { type ClassArea, type Network, PspnetError } from "@pspnet/core";
import { FILM_RESULT } from "../files/results.js";
import { AreaLines } from "./areaLines.js";
import type { Film } from "./film.js";
import { OverlayFilm } from "./overlayFilm.js";
import type { FramePlace } from "./readFrames.js";
import { segmentFilm } from "./segmentFilm.js";

export interface PredictFilmOptions {
  /** Path of the results without their ends. */
  readonly stem: string;
  readonly every?: number;
  readonly smooth?: number;
  /** Ends it after the frame that it is at; what is written by then is finished. */
  readonly signal: AbortSignal;
  /** Called when a frame is written. */
  readonly onFrame: (place: FramePlace, done: number) => void;
}

export interface PredictedFilm {
  /** How many were segmented. */
  readonly frames: number;
  /** Of all of them together. */
  readonly areas: readonly ClassArea[];
  readonly files: readonly string[];
  /** Why it is not the whole film; null when it is, or was ended by the signal. */
  readonly error: string | null;
  /** Why the overlay is not as it could be; null when it is. */
  readonly note: string | null;
}

/**
 * Segments a film into an overlay film and lines of areas, as it goes: a frame is drawn and coded while the next one is segmented.
 *
 * @throws PspnetError as `segmentFilm`, {@link AreaLines} and {@link OverlayFilm} do, "data" only where no frame could be decoded.
 */
export async function predictFilm(
  net: Network,
  film: Film,
  { stem, every = 1, smooth, signal, onFrame }: PredictFilmOptions,
): Promise<PredictedFilm> {
  const files = [stem + FILM_RESULT.areas, stem + FILM_RESULT.overlay] as const;
  const pixels = new Map<number, ClassArea>();
  let frames = 0;
  let writers: readonly [AreaLines, OverlayFilm] | undefined;
  let [error, failure]: (string | null)[] = [null, null];
  try {
    for await (const { segmentation, ...place } of segmentFilm(net, film, { every, smooth })) {
      // By the lines the overlay is known for a result, that of a process that was killed too.
      writers ??= [await AreaLines.begin(files[0]), await OverlayFilm.begin(files[1], { film, every })];
      await writers[0].write(place, segmentation.areas);
      await writers[1].write(segmentation.overlay, place.time);
      for (const area of segmentation.areas) add(pixels, area);
      onFrame(place, ++frames);
      if (signal.aborted) break;
    }
  } catch (cause) {
    if (frames === 0 || !(cause instanceof PspnetError && cause.code === "data")) throw cause;
    error = cause.message;
  } finally {
    await writers?.[0].close();
    failure = (await writers?.[1].finish()) ?? null;
  }
  const note = failure && `${files[1]}: stays in pieces${film.sound ? ", without sound" : ""}: ${failure}`;
  const all = film.width * film.height * frames;
  const areas = [...pixels.values()].map((area) => ({ ...area, share: area.pixels / all }));
  return { frames, areas: areas.sort((a, b) => b.pixels - a.pixels), files, error, note };
}

function add(sum: Map<number, ClassArea>, area: ClassArea): void {
  sum.set(area.id, { ...area, pixels: area.pixels + (sum.get(area.id)?.pixels ?? 0) });
}
