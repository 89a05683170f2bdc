import { describe, expect, it } from "vitest";
import { windowInput } from "../segment/windowInput.js";
import type { Image } from "./image.js";
import { byteInput, type Normalisation, normalise } from "./normalise.js";
import { overlay, pictureOf } from "./paint.js";
import { resizeBytes } from "./resizeBytes.js";

const SIZE = { width: 7, height: 5 };

function numbered(channels: number): Image {
  return { ...SIZE, channels, data: Uint8Array.from({ length: channels * 35 }, (_, i) => (i * 53) % 256) };
}

/** Some channels of an image, in that order. */
function taken({ width, height, channels = 3, data }: Image, which: readonly number[]): Image {
  const from = (i: number) => channels * Math.floor(i / which.length) + which[i % which.length];
  return {
    width,
    height,
    channels: which.length,
    data: Uint8Array.from({ length: which.length * width * height }, (_, i) => data[from(i)]),
  };
}

const input = (channels: number): Normalisation => ({
  mean: Array.from({ length: channels }, (_, c) => 0.3 + 0.1 * c),
  std: Array.from({ length: channels }, (_, c) => 0.2 + 0.1 * c),
  channelOrder: "rgb",
});

describe("images of four channels and of one are as photographs in each of their channels", () => {
  const four = numbered(4);
  const [photograph, grey] = [taken(four, [0, 1, 2]), taken(four, [3])];
  const together = (a: Image, b: Image) =>
    Uint8Array.from({ length: 4 * a.width * a.height }, (_, i) =>
      i % 4 < 3 ? a.data[3 * Math.floor(i / 4) + (i % 4)] : b.data[Math.floor(i / 4)],
    );

  it.each(["opencv", "pillow", "matlab"] as const)("when bytes are resized as %s does it", (how) => {
    for (const size of [
      { width: 11, height: 9 },
      { width: 3, height: 2 },
    ]) {
      const resized = resizeBytes(four, size, how);
      expect(resized.channels).toBe(4);
      expect(resized.data).toEqual(together(resizeBytes(photograph, size, how), resizeBytes(grey, size, how)));
    }
  });

  it("when they are normalised, and when a window is looked at", () => {
    const { mean, std } = input(4);
    const last = { mean: mean.slice(3), std: std.slice(3), channelOrder: "rgb" } as const;
    const whole = normalise(four, input(4));
    expect(whole).toEqual(Float32Array.of(...normalise(photograph, input(3)), ...normalise(grey, last)));
    const place = { scaled: SIZE, top: 0, left: 0, window: SIZE, size: SIZE, flip: false };
    const found = windowInput(four, { ...byteInput(input(4)), ...place });
    expect(found.length).toBe(whole.length);
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(whole[i], 5);
    const smaller = { ...place, scaled: { width: 10, height: 8 }, flip: true };
    const [all, first, rest] = [
      windowInput(four, { ...byteInput(input(4)), ...smaller }),
      windowInput(photograph, { ...byteInput(input(3)), ...smaller }),
      windowInput(grey, { ...byteInput(last), ...smaller }),
    ];
    expect(all).toEqual(
      Float32Array.of(...first.slice(0, 105), ...rest.slice(0, 35), ...first.slice(105), ...rest.slice(35)),
    );
  });
});

describe("pictureOf", () => {
  it("shows the first three channels, or the first as grey", () => {
    const four = numbered(4);
    expect(pictureOf(four).data).toEqual(taken(four, [0, 1, 2]).data);
    for (const few of [1, 2]) expect(pictureOf(numbered(few)).data).toEqual(taken(numbered(few), [0, 0, 0]).data);
    const photograph = { ...SIZE, data: numbered(3).data };
    expect(pictureOf(photograph)).toEqual(photograph);
  });

  it("is what is tinted", () => {
    const label = { ...SIZE, data: Uint8Array.from({ length: 35 }, (_, i) => i % 2) };
    const palette = [[255, 0, 0]] as const;
    for (const channels of [1, 4])
      expect(overlay(numbered(channels), label, { palette })).toEqual(
        overlay(pictureOf(numbered(channels)), label, { palette }),
      );
  });
});
