import { rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { PspnetError, type RgbImage } from "@pspnet/core";
import { temporaryName } from "../files/atomicWrite.js";
import { makeFolder } from "../files/makeFolder.js";
import { outputFile } from "../files/outputFile.js";
import { writeError } from "../files/writeError.js";
import { abilities } from "./abilities.js";
import { type Failure, Ffmpeg, fileUrl } from "./ffmpeg.js";
import type { Film } from "./film.js";
import { matroskaFrame, matroskaHead } from "./matroska.js";

export interface OverlayFilmOptions {
  /** What it is made of. */
  readonly film: Film;
  /** Of how many of its frames one is given. */
  readonly every: number;
}

/** What players take of sound in MP4 as it is; other is coded anew. */
const SOUND: readonly string[] = ["aac", "mp3", "ac3", "eac3", "alac", "opus"];

/** Bits that a pixel takes, where an encoder wants to be told. */
const BITS = 0.2;

/**
 * A film that is written frame by frame, each with its own time, as H.264 in MP4. It is made in short pieces, so that at any moment, and
 * after any end, what stands on disk can be played; {@link finish} makes it one piece and adds the sound.
 */
export class OverlayFilm {
  readonly #path: string;
  readonly #options: OverlayFilmOptions;
  readonly #ffmpeg: Ffmpeg;
  #frames = 0;
  #first = 0;
  #last = 0;

  private constructor(path: string, options: OverlayFilmOptions, ffmpeg: Ffmpeg) {
    this.#path = path;
    this.#options = options;
    this.#ffmpeg = ffmpeg;
  }

  /**
   * Begins a film; one that stands there is replaced.
   *
   * @throws PspnetError "environment" where there is no ffmpeg, or one that does not write H.264, and where no folder can be made; "usage"
   * for a device or a pipe.
   */
  static async begin(path: string, options: OverlayFilmOptions): Promise<OverlayFilm> {
    const target = await outputFile(path);
    await makeFolder(dirname(target)).catch(async (cause) => {
      throw await writeError(cause, { path, needed: 0, kept: "nothing was written" });
    });
    const { film, every } = options;
    const ffmpeg = new Ffmpeg("ffmpeg", await encoding(target, options), { input: true });
    const begun = new OverlayFilm(target, options, ffmpeg);
    await begun.#give(matroskaHead(film, every / film.rate));
    return begun;
  }

  /**
   * @param time in seconds from the film's beginning, later than the frame's before.
   * @throws PspnetError "environment" in ffmpeg's words when it ended before its time, on a full disk for example.
   */
  async write({ data }: RgbImage, time: number): Promise<void> {
    if (this.#frames === 0) this.#first = time;
    await this.#give(matroskaFrame(time, data.length));
    await this.#give(data);
    this.#last = time;
    this.#frames++;
  }

  /**
   * Ends the film. What goes wrong from here on leaves it as it is, in pieces and silent.
   *
   * @returns why it stayed so; null when it did not.
   * @throws PspnetError as {@link write} does.
   */
  async finish(): Promise<Failure> {
    this.#ffmpeg.input.end();
    const failure = await this.#ffmpeg.ended;
    if (failure !== null) throw this.#ended(failure);
    const whole = temporaryName(this.#path);
    try {
      const failed = await new Ffmpeg("ffmpeg", this.#joining(whole)).ended;
      if (failed === null) await rename(whole, this.#path);
      return failed;
    } finally {
      await rm(whole, { force: true });
    }
  }

  /** Gives ffmpeg bytes, and waits until it has taken them. */
  async #give(bytes: Uint8Array): Promise<void> {
    const { input } = this.#ffmpeg;
    const refused = await new Promise<Error | null | undefined>((resolve) => input.write(bytes, resolve));
    if (refused) throw this.#ended((await this.#ffmpeg.ended) ?? refused.message);
  }

  #ended(failure: string): PspnetError {
    const kept = `the ${this.#frames} frames before are in it as far as they were written`;
    return new PspnetError("environment", `${this.#path}: ffmpeg, which writes it, ended: ${failure}; ${kept}`);
  }

  /** From the pieces one, with the film's sound as long as there are frames. */
  #joining(whole: string): string[] {
    const { film, every } = this.#options;
    const sound = film.sound === null ? [] : ["-i", fileUrl(film.file)];
    const codec = SOUND.includes(film.sound ?? "") ? "copy" : "aac";
    const [begin, end] = [this.#first, this.#last + every / film.rate].map((seconds) => seconds.toFixed(6));
    return [
      ...["-nostdin", "-loglevel", "level+error", "-itsoffset", begin, "-i", fileUrl(this.#path)],
      ...[...sound, "-map", "0:v:0", "-c:v", "copy", ...(sound.length > 0 ? ["-map", "1:a:0", "-c:a", codec] : [])],
      ...["-t", end, "-movflags", "+faststart", "-f", "mp4", "-y", fileUrl(whole)],
    ];
  }
}

async function encoding(path: string, { film, every }: OverlayFilmOptions): Promise<string[]> {
  const { width, height, rate, timeBase } = film;
  const { ownTimes, encoder } = await abilities();
  if (!encoder) {
    const mend = "install one with libx264, as Debian's and Homebrew's are";
    throw new PspnetError("environment", `films: expected an ffmpeg that writes H.264, found one without; ${mend}`);
  }
  const [wide, high] = [width, height].map((side) => 2 * Math.ceil(side / 2));
  const filters = [
    // Half as many colours a side as pixels: an odd side gets one more, like its neighbour.
    ...(wide > width || high > height
      ? [`pad=${wide}:${high}`, `fillborders=right=${wide - width}:bottom=${high - height}:mode=smear`]
      : []),
    ...["scale=out_color_matrix=bt709:out_range=tv:flags=accurate_rnd+full_chroma_int", "format=yuv420p"],
  ].join(",");
  const bits = BITS * width * height * (rate / every);
  const quality = {
    libx264: ["-preset", "veryfast", "-crf", "18"],
    libopenh264: ["-b:v", String(Math.ceil(bits))],
  }[encoder];
  return [
    ...["-nostdin", "-loglevel", "level+error", "-f", "matroska", "-i", "pipe:0", "-vf", filters],
    ...[...ownTimes, "-enc_time_base", timeBase, "-c:v", encoder, ...quality],
    // Else players guess by the size.
    ...["-colorspace", "bt709", "-color_primaries", "bt709", "-color_trc", "bt709", "-color_range", "tv"],
    ...["-movflags", "+frag_keyframe+empty_moov+default_base_moof", "-frag_duration", "1000000"],
    ...["-flush_packets", "1", "-f", "mp4", "-y", fileUrl(path)],
  ];
}
