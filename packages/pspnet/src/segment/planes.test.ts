import { planWindows } from "@pspnet/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { scaleImage } from "../data/resample.js";
import { cutWindow, planes, resized } from "./planes.js";

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

test("a constant stays constant at every size", () => {
  fc.assert(
    fc.property(side, side, side, side, (height, width, h, w) => {
      const from = planes(2, { height, width });
      from.data.fill(3);
      return resized(from, { height: h, width: w }).data.every((value) => value === 3);
    }),
  );
});

test("windows that are cut out hold the image where they lie on it, and nothing else", () => {
  const crop = fc.integer({ min: 1, max: 16 });
  const beyond = fc.integer({ min: 0, max: 7 });
  fc.assert(
    fc.property(side, side, crop, beyond, (height, width, crop, beyond) => {
      const image = numbered(2, { height, width });
      const plan = planWindows(image, { crop });
      const size = { height: crop + beyond, width: crop + beyond };
      const pixel = (c: number, y: number, x: number) =>
        y < 0 || y >= height || x < 0 || x >= width ? 0 : image.data[(c * height + y) * width + x];
      return plan.windows.every((corner) =>
        cutWindow(image, { plan, corner, size, flip: false }).every((value, i) => {
          const [x, y, c] = [
            i % size.width,
            Math.floor(i / size.width) % size.height,
            Math.floor(i / size.width / size.height),
          ];
          const within = x < crop && y < crop;
          const expected = pixel(c, y + corner.top - plan.padding.top, x + corner.left - plan.padding.left);
          return value === (within ? expected : 0);
        }),
      );
    }),
  );
});

test("the second of a window is mirrored within the window, not within what it is padded to", () => {
  const image = numbered(1, { height: 1, width: 3 });
  const plan = planWindows(image, { crop: null });
  const place = { plan, corner: { top: 0, left: 0 }, size: { height: 2, width: 4 }, flip: true };
  const [a, b, c] = image.data;
  expect([...cutWindow(image, place)]).toEqual([a, b, c, 0, 0, 0, 0, 0, c, b, a, 0, 0, 0, 0, 0]);
});
