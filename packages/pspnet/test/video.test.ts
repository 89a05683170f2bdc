import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type ClassArea,
  encodePng,
  type FilmFrame,
  load,
  makeScene,
  type Network,
  pspnetConfig,
  randomWeights,
  readImage,
  segmentFilm,
} from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pspnet } from "./support/cli.js";
import { decoded, ffmpeg, hasFfmpeg, lookAt, makeFilm } from "./support/film.js";

// Films through the ffmpeg that is installed.

const CLASSES = 12;
const [WIDTH, HEIGHT] = [73, 57];
const weights = randomWeights(
  pspnetConfig({ classes: CLASSES, layers: 18, width: 8, headChannels: 32, auxChannels: 8 }),
  { seed: 5 },
);
const scenes = Array.from(
  { length: 12 },
  (_, index) => makeScene({ width: WIDTH, height: HEIGHT, seed: 2, index }).image,
);

let folder: string;
let file: string;
let net: Network;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-video-"));
  file = join(folder, "weights.safetensors");
  await writeFile(file, weights);
  net = await load(weights, { precision: "fp32" });
});
afterAll(async () => {
  await net.dispose();
  await rm(folder, { recursive: true, force: true });
});

const predict = (...args: string[]) => pspnet(["predict", file, ...args, "--precision", "fp32"], { cwd: folder });

interface AreaLine {
  readonly frame: number;
  readonly time: number;
  readonly areas: readonly ClassArea[];
}

async function areaLines(stem: string): Promise<AreaLine[]> {
  const lines = (await readFile(join(folder, `${stem}.areas.jsonl`), "utf8")).split("\n");
  return lines.slice(0, -1).map((line) => JSON.parse(line) as AreaLine);
}

/** Mean difference of bytes. */
const difference = (a: Uint8Array, b: Uint8Array) =>
  a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / a.length;

/** How far the means of red, of green and of blue are apart, at most. */
const apart = (a: Uint8Array, b: Uint8Array) =>
  Math.max(...[0, 1, 2].map((c) => Math.abs(a.reduce((sum, value, i) => sum + (i % 3 === c ? value - b[i] : 0), 0)))) /
  (a.length / 3);

/** Programs that go before ffmpeg on the path: shell scripts, which may run the real one by its path. */
async function pathWith(name: string, scripts: Readonly<Record<string, string>>): Promise<string> {
  const place = join(folder, "bin", name);
  await mkdir(place, { recursive: true });
  for (const [tool, script] of Object.entries(scripts)) {
    await writeFile(join(place, tool), `#!/bin/sh\n${script}\n`);
    await chmod(join(place, tool), 0o755);
  }
  return `${place}${delimiter}${process.env.PATH}`;
}

const realFfmpeg = spawnSync("sh", ["-c", "command -v ffmpeg"], { encoding: "utf8" }).stdout.trim();

describe.skipIf(!hasFfmpeg)("films (skipped: ffmpeg is not installed)", () => {
  test("a film's frames have the areas and the overlays of the same pictures; with photographs among the inputs", async () => {
    await makeFilm(join(folder, "walk.mp4"), scenes, { sound: true });
    const { code, out, err } = await predict("walk.mp4", "walk.mp4.frames", "--out", "walked", "--json");
    expect(code, err).toBe(0);
    const outcomes = JSON.parse(out);
    const pictures = outcomes.slice(0, -1) as { readonly image: string; readonly areas: ClassArea[] }[];
    const lines = await areaLines("walked/walk");
    expect(lines.map(({ areas }) => areas)).toEqual(pictures.map(({ areas }) => areas));
    expect(lines.map(({ frame, time }) => [frame, time])).toEqual(scenes.map((_, i) => [i, i / 25]));
    expect(outcomes.at(-1)).toMatchObject({
      film: "walk.mp4",
      frames: 12,
      files: ["walked/walk.areas.jsonl", "walked/walk.overlay.mp4"],
    });
    const pixels = pictures.flatMap(({ areas }) => areas.filter(({ id }) => id === outcomes.at(-1).areas[0].id));
    const total = pixels.reduce((sum, area) => sum + area.pixels, 0);
    expect(outcomes.at(-1).areas[0]).toMatchObject({ pixels: total, share: total / (12 * WIDTH * HEIGHT) });

    const overlay = join(folder, "walked", "walk.overlay.mp4");
    const { times, ...looked } = lookAt(overlay);
    // Colours of H.264 come by two pixels.
    expect(looked).toEqual({ width: WIDTH + 1, height: HEIGHT + 1, rate: "25/1", sound: "aac", seconds: 12 / 25 });
    expect(times).toEqual(scenes.map((_, i) => i / 25));
    const frames = decoded(overlay, { width: WIDTH, height: HEIGHT });
    for (const [i, frame] of frames.entries()) {
      const overlayOf = async (at: number) =>
        (await readImage(join(folder, "walked", `${String(at).padStart(3, "0")}.overlay.png`))).data;
      const [own, next] = [await overlayOf(i), await overlayOf((i + 1) % 12)];
      // H.264 has colours of four pixels together: much for pictures so small.
      expect(difference(frame, own), `frame ${i}`).toBeLessThan(12);
      expect(difference(frame, next)).toBeGreaterThan(2 * difference(frame, own));
      expect(apart(frame, own)).toBeLessThan(3);
    }
    expect((await readdir(join(folder, "walked"))).filter((name) => name.endsWith(".part"))).toEqual([]);
    const again = await predict("walked", "--out", "again");
    expect(again.code).toBe(2);
    expect(again.err).toContain("found only what predict wrote");
  });

  test("one frame of some, at its own time", async () => {
    await makeFilm(join(folder, "some.mp4"), scenes);
    const { code, out } = await predict("some.mp4", "--every", "5", "--out", "some");
    expect(code).toBe(0);
    expect(out).toMatch(/^some\.mp4: 3 frames: class .*\n1 film segmented into some\n$/);
    const all: FilmFrame[] = [];
    for await (const frame of segmentFilm(net, join(folder, "some.mp4"))) all.push(frame);
    const expected = [0, 5, 10].map((i) => ({ frame: i, time: i / 25, areas: all[i].segmentation.areas }));
    expect(await areaLines("some/some")).toEqual(expected);
    expect(lookAt(join(folder, "some", "some.overlay.mp4"))).toMatchObject({ rate: "5/1", times: [0, 0.2, 0.4] });
  });

  test("frames that are not equally far apart keep their times, and turned ones are upright", async () => {
    await makeFilm(join(folder, "steady.mp4"), scenes);
    const kept = "select=not(mod(n\\,5))+not(mod(n\\,3))";
    const lossless = ["-vsync", "passthrough", "-c:v", "libx264rgb", "-qp", "0"];
    ffmpeg("-i", join(folder, "steady.mp4"), "-vf", kept, ...lossless, join(folder, "lying.mp4"));
    ffmpeg("-i", join(folder, "lying.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90", join(folder, "phone.MP4"));
    const { code, err } = await predict("phone.MP4", "--out", "turned");
    expect(code, err).toBe(0);
    const times = [0, 3, 5, 6, 9, 10].map((i) => i / 25);
    const overlay = lookAt(join(folder, "turned", "phone.overlay.mp4"));
    expect(overlay).toMatchObject({ width: HEIGHT + 1, height: WIDTH + 1, times, sound: undefined });
    const frames: FilmFrame[] = [];
    for await (const frame of segmentFilm(net, join(folder, "phone.MP4"))) frames.push(frame);
    expect(frames.map(({ time }) => time)).toEqual(times);
    ffmpeg("-i", join(folder, "steady.mp4"), "-c", "copy", "-metadata:s:v", "rotate=90", join(folder, "turned.mp4"));
    const upright = decoded(join(folder, "turned.mp4"), { width: HEIGHT, height: WIDTH });
    for (const [n, i] of [0, 3, 5, 6, 9, 10].entries()) {
      const { width, height, data } = frames[n].segmentation.image;
      expect([width, height]).toEqual([HEIGHT, WIDTH]);
      expect(Buffer.compare(data, upright[i])).toBe(0);
    }
  });

  test("smoothing changes nothing where nothing changes, and lags behind a flicker as it says", async () => {
    const still = join(folder, "still.mp4");
    await makeFilm(
      still,
      Array.from({ length: 4 }, () => scenes[0]),
    );
    const { data } = (await net.segment(scenes[0])).labels;
    for await (const { segmentation } of segmentFilm(net, still, { smooth: 0.1 }))
      expect(segmentation.labels.data.filter((id, i) => id !== data[i]).length).toBeLessThanOrEqual(1);

    const flicker = [0, 0, 4, 0, 4, 4].map((i) => scenes[i]);
    await makeFilm(join(folder, "flicker.mp4"), flicker, { rate: 10 });
    // An average made of the images' shares: its own is 1 - exp(-t / smooth) after t seconds.
    const share = 1 - Math.exp(-0.1 / 0.25);
    const expected: Uint8Array[] = [];
    for await (const { labels } of net.segmentAll(flicker, { smooth: share })) expected.push(labels.data);
    const found: Uint8Array[] = [];
    for await (const { segmentation } of segmentFilm(net, join(folder, "flicker.mp4"), { smooth: 0.25 }))
      found.push(segmentation.labels.data);
    expect(found).toEqual(expected);
    // In the frame that flickers most pixels keep what they were, and the areas tell.
    const changed = (a: Uint8Array, b: Uint8Array) => a.filter((id, i) => id !== b[i]).length;
    const plain = (await net.segment(scenes[4])).labels.data;
    expect(changed(found[2], found[1])).toBeLessThan(changed(plain, found[1]) / 2);
    const { code } = await predict("flicker.mp4", "--smooth=0.25", "--out", "smooth");
    expect(code).toBe(0);
    const lines = await areaLines("smooth/flicker");
    for (const [i, { areas }] of lines.entries())
      for (const { id, pixels } of areas) expect(found[i].filter((label) => label === id)).toHaveLength(pixels);
  });

  test("what is broken, cut off or no film is told, and the rest is done", async () => {
    await makeFilm(join(folder, "whole.mp4"), scenes);
    const bytes = await readFile(join(folder, "whole.mp4"));
    await writeFile(join(folder, "cut.mp4"), bytes.subarray(0, Math.round(bytes.length * 0.6)));
    await writeFile(join(folder, "text.mp4"), "no film\n");
    ffmpeg("-f", "lavfi", "-i", "sine=d=0.2", join(folder, "sound.mp4"));
    await writeFile(join(folder, "photo.png"), await encodePng(scenes[0]));
    const inputs = ["text.mp4", "sound.mp4", "cut.mp4", "whole.mp4", "photo.png"];
    const { code, out, err } = await predict(...inputs, "--out", "rest", "--json");
    expect(code).toBe(1);
    const [photo, text, sound, cut, whole] = JSON.parse(out);
    expect(photo).not.toHaveProperty("error");
    expect(text).toEqual({
      film: "text.mp4",
      error: expect.stringMatching(/^text\.mp4: expected a film that ffmpeg can/),
    });
    expect(sound.error).toBe("sound.mp4: expected a film that ffmpeg can decode: found no pictures in it");
    expect(whole).toMatchObject({ frames: 12 });
    expect(whole).not.toHaveProperty("error");
    expect(cut.frames).toBeGreaterThan(2);
    expect(cut.frames).toBeLessThan(12);
    expect(cut.error).toContain(`cut.mp4: expected 12 frames, found ${cut.frames}; ffmpeg: `);
    for (const { error } of [text, sound, cut]) expect(err).toContain(error);
    expect(lookAt(join(folder, "rest", "cut.overlay.mp4")).times).toHaveLength(cut.frames);
    expect(await areaLines("rest/cut")).toHaveLength(cut.frames);
  });

  test("flags that make no sense are refused", async () => {
    await makeFilm(join(folder, "short.mp4"), scenes.slice(0, 1));
    const photo = join("short.mp4.frames", "000.png");
    const refused: [string[], RegExp][] = [
      [["short.mp4", "--logits", "x.npy"], /--logits is for images alone, found short\.mp4/],
      [["short.mp4", photo, "--submit", "voc"], /--submit is for images alone/],
      [[photo, "--every", "2"], /--every is for films, found 1 image and no film/],
      [[photo, "--smooth"], /--smooth is for films/],
      [["--smooth", "short.mp4"], /'short\.mp4' is invalid\. expected seconds above 0; without them give it after/],
      [["short.mp4", "--every", "0"], /expected a whole number above 0/],
    ];
    const outcomes = await Promise.all(refused.map(([args]) => predict(...args)));
    for (const [i, { code, err }] of outcomes.entries()) {
      expect(err).toMatch(refused[i][1]);
      expect(code).toBe(2);
    }
    const frames = (options: object) => segmentFilm(net, join(folder, "short.mp4"), options).next();
    await expect(frames({ every: 1.5 })).rejects.toThrow(
      /segmentFilm: every: expected a whole number from 1, found 1\.5/,
    );
    await expect(frames({ smooth: 0 })).rejects.toThrow(/segmentFilm: smooth: expected seconds above 0, found 0/);
  });

  test("without ffmpeg photographs are segmented, and it is said what to install", async () => {
    await makeFilm(join(folder, "alone.mp4"), scenes.slice(0, 2));
    const args = ["predict", file, "alone.mp4", "alone.mp4.frames/000.png", "--out", "without", "--json"];
    const { code, out } = await pspnet(args, { cwd: folder, env: { PATH: `${dirname(process.execPath)}-none` } });
    expect(code).toBe(1);
    const [photo, film] = JSON.parse(out);
    expect(photo).not.toHaveProperty("error");
    expect(film.error).toMatch(/expected ffprobe on the path, found none; apt install ffmpeg \(Debian, Ubuntu\), brew/);
  });

  test("an ffmpeg that ends before its time is told in its own words; a sound that it cannot add is left out", async () => {
    await makeFilm(join(folder, "talk.mp4"), scenes, { sound: true });
    const dying = await pathWith("dying", {
      ffmpeg: `case "$*" in *pipe:0*) head -c 60000 > /dev/null; echo "[error] the disk is gone" >&2; exit 3;; esac\nexec ${realFfmpeg} "$@"`,
    });
    const died = await pspnet(["predict", file, "talk.mp4", "--out", "died"], { cwd: folder, env: { PATH: dying } });
    expect(died.code).toBe(1);
    expect(died.err).toMatch(
      /died\/talk\.overlay\.mp4: ffmpeg, which writes it, ended: the disk is gone; the \d+ frames before/,
    );
    const silent = await pathWith("silent", {
      ffmpeg: `case "$*" in *faststart*) for to; do :; done; echo half > "\${to#file:}"; echo "[error] no such sound" >&2; exit 1;; esac\nexec ${realFfmpeg} "$@"`,
    });
    const { code, err } = await pspnet(["predict", file, "talk.mp4", "--out", "silent"], {
      cwd: folder,
      env: { PATH: silent },
    });
    expect(code).toBe(0);
    expect(err).toContain("silent/talk.overlay.mp4: stays in pieces, without sound: no such sound\n");
    const { times, sound } = lookAt(join(folder, "silent", "talk.overlay.mp4"));
    expect(times).toHaveLength(12);
    expect(sound).toBeUndefined();
    expect((await readdir(join(folder, "silent"))).sort()).toEqual(["talk.areas.jsonl", "talk.overlay.mp4"]);
  });

  test("an older ffmpeg, which has no -fps_mode, is asked in its own terms", async () => {
    await makeFilm(join(folder, "old.mp4"), scenes.slice(0, 3));
    const old = await pathWith("old", {
      ffmpeg: `case "$*" in *fps_mode*) echo "[fatal] Unrecognized option 'fps_mode'." >&2; exit 1;; *"-h full"*) ${realFfmpeg} "$@" | grep -v fps_mode; exit 0;; esac\nexec ${realFfmpeg} "$@"`,
    });
    const { code, err } = await pspnet(["predict", file, "old.mp4", "--out", "old-out"], {
      cwd: folder,
      env: { PATH: old },
    });
    expect(code, err).toBe(0);
    expect(lookAt(join(folder, "old-out", "old.overlay.mp4")).times).toEqual([0, 0.04, 0.08]);
  });

  test.skipIf(process.platform !== "linux")(
    "Ctrl-C at a terminal leaves a film that plays, and no process",
    async () => {
      const long = join(folder, "long.mp4");
      await makeFilm(join(folder, "loop.mp4"), scenes, { sound: true });
      ffmpeg("-stream_loop", "400", "-i", join(folder, "loop.mp4"), "-c", "copy", long);
      const command = fileURLToPath(new URL("../bin/pspnet.js", import.meta.url));
      // A group of processes of its own, as a shell gives a command, all of which a terminal interrupts.
      const child = spawn(process.execPath, [command, "predict", file, long, "--out", "broken-off"], {
        cwd: folder,
        detached: true,
      });
      const { code, err } = await interrupted(child, /predict long\.mp4 \d+\/4812/);
      expect(code, err).toBe(1);
      const [, frames] = /stopped after (\d+) frames? of .*long\.mp4; broken-off\/long\.areas\.jsonl and /.exec(err)!;
      const { times, sound, seconds } = lookAt(join(folder, "broken-off", "long.overlay.mp4"));
      expect(times).toHaveLength(Number(frames));
      expect(times.length).toBeLessThan(4812);
      expect(await areaLines("broken-off/long")).toHaveLength(Number(frames));
      expect(sound).toBe("aac");
      expect(seconds).toBeCloseTo(Number(frames) / 25, 0);
      expect(await processesOf(long)).toEqual([]);
    },
  );

  test("leaving the loop ends ffmpeg; a signal ends both", async () => {
    const film = join(folder, "left.mp4");
    await makeFilm(film, scenes);
    for await (const { frame } of segmentFilm(net, film)) if (frame === 2) break;
    const controller = new AbortController();
    const ended = async () => {
      for await (const _ of segmentFilm(net, film, { signal: controller.signal }))
        controller.abort(new Error("enough"));
    };
    await expect(ended()).rejects.toThrow("enough");
    if (process.platform === "linux") expect(await processesOf(film)).toEqual([]);
  });
});

/** Sends Ctrl-C to the group of a process once when it has said so much. */
function interrupted(
  child: ChildProcess,
  when: RegExp,
): Promise<{ readonly code: number | null; readonly err: string }> {
  return new Promise((resolve) => {
    let [err, sent] = ["", false];
    child.stderr!.setEncoding("utf8").on("data", (text) => {
      err += text;
      if (sent || !when.test(err)) return;
      sent = true;
      process.kill(-child.pid!, "SIGINT");
    });
    child.on("close", (code) => resolve({ code, err }));
  });
}

/** Command lines that name a file, of Linux's processes. */
async function processesOf(name: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((id) => /^\d+$/.test(id));
  const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "")));
  return lines.filter((line) => line.includes(name));
}
