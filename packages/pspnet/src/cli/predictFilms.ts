import { basename, join } from "node:path";
import { type Network, PspnetError } from "@pspnet/core";
import type { FoundImage } from "../files/findImages.js";
import { counted } from "../report/counted.js";
import { duration, Progress, type TextStream } from "../report/progress.js";
import { type Film, probeFilm } from "../video/film.js";
import { type PredictedFilm, predictFilm } from "../video/predictFilm.js";
import { fromHere } from "./terminal.js";

export interface FilmFlags {
  readonly out: string;
  readonly every?: number;
  readonly smooth?: number;
}

/** What one film gave, and why that is not all; or why it gave nothing. */
export type FilmOutcome =
  | (Pick<PredictedFilm, "frames" | "areas" | "files"> & { readonly film: string; readonly error?: string })
  | { readonly film: string; readonly error: string };

interface FilmWork {
  readonly flags: FilmFlags;
  readonly signal: AbortSignal;
  /** Where a live line of each film goes. */
  readonly stream: TextStream;
  readonly say: (line: string) => void;
  readonly onDone?: (films: number) => void;
}

/** One film after the other, until the signal. */
export async function predictFilms(net: Network, films: readonly FoundImage[], work: FilmWork): Promise<FilmOutcome[]> {
  const outcomes: FilmOutcome[] = [];
  for (const film of films) {
    if (work.signal.aborted) throw new PspnetError("interrupted", `stopped before ${film.file}; the rest is written`);
    outcomes.push(await attempt(net, film, work));
    work.onDone?.(outcomes.length);
  }
  return outcomes;
}

/** A broken film stops nothing that can go on; nor do films where there is no ffmpeg. */
async function attempt(net: Network, { file, name }: FoundImage, work: FilmWork): Promise<FilmOutcome> {
  let film: Film | undefined;
  try {
    film = await probeFilm(file);
    return await segment(net, film, name, work);
  } catch (error) {
    const codes = film ? ["data"] : ["data", "environment"];
    if (!(error instanceof PspnetError && codes.includes(error.code))) throw error;
    work.say(error.message);
    return { film: file, error: error.message };
  }
}

async function segment(
  net: Network,
  film: Film,
  name: string,
  { flags, signal, stream, say }: FilmWork,
): Promise<FilmOutcome> {
  const { out, every = 1, smooth } = flags;
  const total = film.frames === null ? Number.POSITIVE_INFINITY : Math.ceil(film.frames / every);
  const progress = new Progress(stream, { label: `predict ${basename(film.file)}`, total });
  const { frames, areas, files, error, note } = await predictFilm(net, film, {
    ...{ stem: join(out, name), every, smooth, signal },
    onFrame: ({ time }, done) => progress.update(done, { at: duration(time) }),
  }).finally(() => progress.finish());
  for (const told of [error, note]) if (told) say(told);
  if (signal.aborted) {
    const done = `${counted(frames, "frame")} of ${film.file}`;
    throw new PspnetError("interrupted", `stopped after ${done}; ${files.map(fromHere).join(" and ")} have them`);
  }
  return { film: film.file, frames, areas, files: files.map(fromHere), ...(error === null ? {} : { error }) };
}
