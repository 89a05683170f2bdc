import { windowInput } from "@pspnet/core/segment";
import { expect, test } from "vitest";
import { scaleImage } from "../src/data/resample.js";

test("resizing by a whole scale is the augmentation's, which OpenCV proves", () => {
  const [width, height, scale] = [7, 5, 3];
  const image = { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 251) };
  const scaled = { width: scale * width, height: scale * height };
  const out = new Float32Array(9 * scale * width * height);
  scaleImage(image, { scale, region: { x: 0, y: 0, ...scaled }, out });
  // Bytes stand for themselves, but for a thousand more in each channel after the first.
  const table = Float32Array.from({ length: 3 * 256 }, (_, i) => (i % 256) + 1000 * Math.floor(i / 256));
  const whole = { scaled, top: 0, left: 0, window: scaled, size: scaled, flip: false };
  const found = windowInput(image, { table, reversed: false, ...whole });
  const plane = scaled.width * scaled.height;
  for (const [i, value] of found.entries()) {
    const channel = Math.floor(i / plane);
    expect(value - 1000 * channel).toBeCloseTo(out[3 * (i % plane) + channel], 3);
  }
});
