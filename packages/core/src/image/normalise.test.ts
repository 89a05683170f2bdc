import { describe, expect, it } from "vitest";
import { IMAGENET, normalise } from "./normalise.js";

const image = { width: 2, height: 1, data: Uint8Array.of(0, 128, 255, 255, 0, 64) };
const expected = (value: number, c: number) => (value - 255 * IMAGENET.mean[c]) / (255 * IMAGENET.std[c]);

describe("normalise", () => {
  it("gives planes of (value - 255 mean) / (255 std)", () => {
    const planes = [0, 255, 128, 0, 255, 64].map((value, i) => expected(value, i >> 1));
    for (const [i, value] of normalise(image).entries()) expect(value).toBeCloseTo(planes[i], 5);
  });

  it("turns the channels round for networks that take BGR", () => {
    const [rgb, bgr] = [normalise(image), normalise(image, { ...IMAGENET, channelOrder: "bgr" })];
    expect([...bgr]).toEqual([...rgb.subarray(4), ...rgb.subarray(2, 4), ...rgb.subarray(0, 2)]);
  });

  it("takes values between the whole ones, and the mean to zero", () => {
    const mean = Float32Array.from(IMAGENET.mean, (value) => 255 * value);
    for (const value of normalise({ width: 1, height: 1, data: mean })) expect(value).toBeCloseTo(0, 6);
  });

  it("writes a picture's place in a batch", () => {
    const batch = new Float32Array(12);
    normalise(image, { ...IMAGENET, out: batch.subarray(6) });
    expect([...batch]).toEqual([0, 0, 0, 0, 0, 0, ...normalise(image)]);
  });

  it("refuses pixels that do not fit", () => {
    expect(() => normalise({ ...image, width: 3 })).toThrow("normalise: expected 9 values for 1x3, found 6 values in");
    expect(() => normalise(image, { ...IMAGENET, out: new Float32Array(5) })).toThrow("room for 5 out");
  });
});
