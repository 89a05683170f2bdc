import { spawnSync } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { encodePng, type RgbImage } from "pspnet";

/** Whether Debian's ffmpeg, or another, is on the path. */
export const hasFfmpeg = ["ffmpeg", "ffprobe"].every((tool) => spawnSync(tool, ["-version"]).status === 0);

/** Runs ffmpeg, and gives what it writes to its standard output. */
export function ffmpeg(...args: string[]): Buffer {
  const { status, stdout, stderr } = spawnSync("ffmpeg", ["-v", "error", "-y", ...args], { maxBuffer: 2 ** 28 });
  if (status !== 0) throw new Error(`ffmpeg ${args.join(" ")}: ${stderr}`);
  return stdout;
}

export interface FilmFile {
  readonly rate?: number;
  readonly sound?: boolean;
}

/** A film that loses nothing of its frames, in its place; and the frames as pictures, in a folder `<file>.frames`. */
export async function makeFilm(
  file: string,
  frames: readonly RgbImage[],
  { rate = 25, sound = false }: FilmFile = {},
): Promise<void> {
  const folder = `${file}.frames`;
  await mkdir(folder, { recursive: true });
  await mkdir(dirname(file), { recursive: true });
  for (const [i, frame] of frames.entries())
    await writeFile(join(folder, `${String(i).padStart(3, "0")}.png`), await encodePng(frame));
  const tone = sound ? ["-f", "lavfi", "-i", `sine=d=${frames.length / rate}`] : [];
  const pictures = ["-framerate", String(rate), "-i", join(folder, "%03d.png")];
  ffmpeg(
    ...pictures,
    ...tone,
    "-c:v",
    "libx264rgb",
    "-qp",
    "0",
    "-preset",
    "ultrafast",
    "-movflags",
    "faststart",
    file,
  );
}

export interface Looked {
  readonly width: number;
  readonly height: number;
  readonly rate: string;
  /** Codec; undefined without. */
  readonly sound?: string;
  readonly seconds: number;
  /** Of the frames that can be decoded, in seconds. */
  readonly times: readonly number[];
}

/** What a player finds in a film. */
export function lookAt(file: string): Looked {
  const entries = "stream=codec_type,codec_name,width,height,avg_frame_rate,duration:frame=media_type,pts_time";
  const args = ["-v", "error", "-of", "json", "-show_entries", entries, "-show_frames", file];
  const { status, stdout, stderr } = spawnSync("ffprobe", args, { encoding: "utf8", maxBuffer: 2 ** 26 });
  if (status !== 0) throw new Error(`ffprobe ${file}: ${stderr}`);
  const { streams, frames } = JSON.parse(stdout) as {
    streams: {
      codec_type: string;
      codec_name: string;
      width: number;
      height: number;
      avg_frame_rate: string;
      duration: string;
    }[];
    frames: { media_type: string; pts_time: string }[];
  };
  const pictures = streams.find(({ codec_type }) => codec_type === "video")!;
  return {
    ...{ width: pictures.width, height: pictures.height, rate: pictures.avg_frame_rate },
    sound: streams.find(({ codec_type }) => codec_type === "audio")?.codec_name,
    seconds: Number(pictures.duration),
    times: frames.filter(({ media_type }) => media_type === "video").map(({ pts_time }) => Number(pts_time)),
  };
}

/** The frames of a film as a player shows them, cut to their upper left. */
export function decoded(file: string, { width, height }: { width: number; height: number }): Uint8Array[] {
  const crop = `crop=${width}:${height}:0:0:exact=1`;
  const bytes = ffmpeg("-i", file, "-vf", `format=rgb24,${crop}`, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1");
  const length = 3 * width * height;
  return Array.from({ length: bytes.length / length }, (_, i) => bytes.subarray(i * length, (i + 1) * length));
}
