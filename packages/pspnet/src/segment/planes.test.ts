import { planWindows, windowCounts } from "@pspnet/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleImage } from "../data/resample.js";
import { addResized, addWindow, argmax, cutWindow, divideByCounts, planes, resized } from "./planes.js";

const side = fc.integer({ min: 1, max: 24 });

function numbered(channels: number, size: { readonly height: number; readonly width: number }) {
  const result = planes(channels, size);
  for (let i = 0; i < result.data.length; i++) result.data[i] = (i * 37) % 101;
  return result;
}

test("resizing by a whole scale is the augmentation's, which OpenCV proves", () => {
  const [width, height, scale] = [7, 5, 3];
  const data = Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 251);
  const out = new Float32Array(9 * scale * width * height);
  const whole = { x: 0, y: 0, width: scale * width, height: scale * height };
  scaleImage({ width, height, data }, { scale, region: whole, out });
  const plane = { channels: 1, width, height, data: Float32Array.from(data.filter((_, i) => i % 3 === 0)) };
  const found = resized(plane, whole);
  for (const [i, value] of found.data.entries()) expect(value).toBeCloseTo(out[3 * i], 3);
});

test("a constant stays constant at every size, and sums add up", () => {
  fc.assert(
    fc.property(side, side, side, side, (height, width, h, w) => {
      const from = planes(2, { height, width });
      from.data.fill(4);
      const sum = planes(2, { height: h, width: w });
      addResized(sum, from, 0.5);
      addResized(sum, from, 0.25);
      return sum.data.every((value) => Math.abs(value - 3) < 1e-5);
    }),
  );
});

test("windows that are cut out, given back as they are and counted are the image again", () => {
  fc.assert(
    fc.property(
      side,
      side,
      fc.integer({ min: 1, max: 16 }),
      fc.integer({ min: 0, max: 7 }),
      fc.boolean(),
      (height, width, crop, beyond, flip) => {
        const image = numbered(2, { height, width });
        const plan = planWindows(image, { crop });
        const sum = planes(2, image);
        const size = { height: crop + beyond, width: crop + beyond };
        for (const corner of plan.windows) {
          const place = { plan, corner, size, flip };
          addWindow(sum, cutWindow(image, place), place);
        }
        divideByCounts(sum, windowCounts(plan), plan);
        return sum.data.every((value, i) => Math.abs(value - image.data[i]) < 1e-4);
      },
    ),
  );
});

test("the second of a window is mirrored within the window, not within what it is padded to", () => {
  const image = numbered(1, { height: 1, width: 3 });
  const plan = planWindows(image, { crop: null });
  const place = { plan, corner: { top: 0, left: 0 }, size: { height: 2, width: 4 }, flip: true };
  const [a, b, c] = image.data;
  expect([...cutWindow(image, place)]).toEqual([a, b, c, 0, 0, 0, 0, 0, c, b, a, 0, 0, 0, 0, 0]);
});

test("argmax takes the first of equals", () => {
  const data = Float32Array.of(1, 5, -3, 1, 7, -2, 0, 7, -2);
  expect([...argmax({ channels: 3, height: 1, width: 3, data })]).toEqual([0, 1, 1]);
});
