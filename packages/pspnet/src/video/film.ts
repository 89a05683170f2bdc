import { stat } from "node:fs/promises";
import { PspnetError, type Size } from "@pspnet/core";
import { refuseUrl } from "../files/refuseUrl.js";
import { ask, fileUrl } from "./ffmpeg.js";

/** What a film's file says of it. Its size is that of upright frames, as a phone's film is turned. */
export interface Film extends Size {
  readonly file: string;
  /** Of its pictures among the file's streams. */
  readonly stream: number;
  /** Width of a pixel over its height, numerator and denominator. */
  readonly pixelAspect: readonly [number, number];
  /** Frames a second, on average. */
  readonly rate: number;
  /** What times are multiples of, in seconds: `1/12800`. */
  readonly timeBase: string;
  /** How many frames there are, about; null where the file does not say. */
  readonly frames: number | null;
  /** What its sound is coded with; null where it has none. */
  readonly sound: string | null;
}

interface Stream {
  readonly index: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly avg_frame_rate?: string;
  readonly r_frame_rate?: string;
  readonly time_base: string;
  readonly nb_frames?: string;
  readonly duration?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly tags?: { readonly rotate?: string };
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}

interface Probed {
  readonly streams?: readonly Stream[];
  readonly format?: { readonly duration?: string };
}

/** Where a file says none. */
const USUAL_RATE = 25;

/**
 * Looks at a film's file, by ffprobe; nothing is decoded.
 *
 * @throws PspnetError "environment" where there is no ffprobe, "usage" for a URL, "data" for what is no film.
 */
export async function probeFilm(file: string): Promise<Film> {
  refuseUrl(file, "a film");
  const found = await stat(file).catch(() => null);
  if (!found?.isFile()) throw noFilm(file, found ? "found a folder, a device or a pipe" : "no such file");
  const args = ["-loglevel", "level+error", "-print_format", "json", "-show_streams", "-show_format", fileUrl(file)];
  const text = await ask("ffprobe", args, (failure) => noFilm(file, failure));
  const { streams = [], format = {} } = JSON.parse(text) as Probed;
  const pictures = streams.find((one) => one.codec_type === "video" && !one.disposition?.attached_pic);
  if (!pictures?.width || !pictures.height) throw noFilm(file, "found no pictures in it");
  const rate = ratio(pictures.avg_frame_rate) ?? ratio(pictures.r_frame_rate) ?? USUAL_RATE;
  return {
    file,
    ...upright(pictures),
    stream: pictures.index,
    rate,
    timeBase: pictures.time_base,
    frames: framesOf(pictures, rate * Number(pictures.duration ?? format.duration)),
    sound: streams.find((one) => one.codec_type === "audio")?.codec_name ?? null,
  };
}

function noFilm(file: string, found: string): PspnetError {
  return new PspnetError("data", `${file}: expected a film that ffmpeg can decode: ${found}`);
}

/** Width and height as they are shown: ffmpeg turns frames as the file says. */
function upright(stream: Stream): Pick<Film, "width" | "height" | "pixelAspect"> {
  const { width = 0, height = 0, sample_aspect_ratio = "", side_data_list = [], tags = {} } = stream;
  const [across, down] = sample_aspect_ratio.split(":").map(Number);
  const [wide, high] = across > 0 && down > 0 ? [across, down] : [1, 1];
  const turned = side_data_list.find(({ rotation }) => rotation !== undefined)?.rotation ?? Number(tags.rotate ?? 0);
  if (Math.round(turned / 90) % 2 === 0) return { width, height, pixelAspect: [wide, high] };
  return { width: height, height: width, pixelAspect: [high, wide] };
}

function framesOf({ nb_frames }: Stream, byDuration: number): number | null {
  const frames = Number(nb_frames ?? Math.floor(byDuration));
  return frames > 0 ? frames : null;
}

/** Of "30000/1001"; null for "0/0". */
function ratio(text = ""): number | null {
  const [above, below] = text.split("/").map(Number);
  return above > 0 && below > 0 ? above / below : null;
}
