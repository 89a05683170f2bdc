import type { Readable } from "node:stream";
import { PspnetError, type RgbImage } from "@pspnet/core";
import { counted } from "../report/counted.js";
import { abilities } from "./abilities.js";
import { Ffmpeg, fileUrl } from "./ffmpeg.js";
import type { Film } from "./film.js";

/** Where a frame stands in its film. */
export interface FramePlace {
  /** From 0, in the order of time. */
  readonly frame: number;
  /** Seconds from the film's beginning, to the microsecond. */
  readonly time: number;
}

export interface Frame extends FramePlace {
  readonly image: RgbImage;
}

export interface ReadFramesOptions {
  /** Gives the first of so many frames. */
  readonly every: number;
  readonly signal?: AbortSignal;
}

/**
 * A film's frames, each once with its own time, upright, of one size, as RGB. They are decoded as they are asked for: ffmpeg is
 * never more than a few frames ahead.
 *
 * @throws PspnetError "data" at the end, when all that can be decoded was given, for a film that is broken or cut off.
 */
export async function* readFrames(film: Film, { every, signal }: ReadFramesOptions): AsyncGenerator<Frame> {
  const { width, height, rate } = film;
  const { ownTimes } = await abilities();
  const times = new Times();
  const ffmpeg = new Ffmpeg("ffmpeg", decoding(film, every, ownTimes), { onLine: (line) => times.hear(line) });
  const end = () => ffmpeg.kill();
  signal?.addEventListener("abort", end, { once: true });
  const ended = ffmpeg.ended.finally(() => times.end());
  ended.catch(() => {});
  try {
    signal?.throwIfAborted();
    let [frame, time] = [0, Number.NEGATIVE_INFINITY];
    for await (const data of pieces(ffmpeg.output, 3 * width * height)) {
      // Some films have frames without a time, or with one that another has.
      time = Math.max((await times.next()) ?? frame / rate, time + 1e-6);
      yield { frame, time, image: { width, height, data } };
      frame += every;
    }
    const failure = await ended;
    signal?.throwIfAborted();
    const found = frame / every;
    const expected = Math.ceil((film.frames ?? 0) / every);
    if (found === 0 || failure !== null || (ffmpeg.words && found < expected))
      throw cutOff(film.file, { expected, found, reason: failure ?? ffmpeg.words });
  } finally {
    signal?.removeEventListener("abort", end);
    ffmpeg.kill();
    await ended.catch(() => {});
  }
}

function decoding({ file, stream, width, height }: Film, every: number, ownTimes: readonly string[]): string[] {
  const filters = [
    ...(every > 1 ? [`select=not(mod(n\\,${every}))`] : []),
    // Microseconds, whatever the film counts in; and a line about each frame, which ffmpeg prints of those with metadata.
    ...["settb=AVTB", "metadata=add:key=pspnet:value=frame", "metadata=print:key=pspnet"],
    // A film may change its size on the way.
    `scale=${width}:${height}`,
  ];
  return [
    ...["-nostdin", "-nostats", "-loglevel", "level+info", "-i", fileUrl(file), "-map", `0:${stream}`],
    ...["-vf", filters.join(","), ...ownTimes, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"],
  ];
}

interface CutOff {
  /** Frames; 0 where nobody knows. */
  readonly expected: number;
  readonly found: number;
  readonly reason: string;
}

function cutOff(file: string, { expected, found, reason }: CutOff): PspnetError {
  const frames = expected > 0 ? counted(expected, "frame") : "frames to its end";
  return new PspnetError("data", `${file}: expected ${frames}, found ${found}; ffmpeg: ${reason || "no word"}`);
}

/** Bytes in pieces of one length; what is left at the end is dropped. */
async function* pieces(stream: Readable, length: number): AsyncGenerator<Uint8Array> {
  let piece = new Uint8Array(length);
  let filled = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(chunk.length - at, length - filled);
      piece.set(chunk.subarray(at, at + count), filled);
      at += count;
      filled += count;
      if (filled < length) continue;
      yield piece;
      [piece, filled] = [new Uint8Array(length), 0];
    }
  }
}

/** The frames' times, as ffmpeg tells them beside the frames: those that are known, and who waits for the next. */
class Times {
  readonly #known: (number | undefined)[] = [];
  #wake: (() => void) | null = null;
  #ended = false;

  hear(line: string): void {
    const told = /\] frame:\d+\s+pts:(\S+)/.exec(line);
    if (!told) return;
    const microseconds = Number(told[1]);
    this.#known.push(Number.isNaN(microseconds) ? undefined : microseconds / 1e6);
    this.#wake?.();
  }

  /** Nothing more is told. */
  end(): void {
    this.#ended = true;
    this.#wake?.();
  }

  /** In seconds; undefined for a frame without one. */
  async next(): Promise<number | undefined> {
    if (this.#known.length === 0 && !this.#ended) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return this.#known.shift();
  }
}
