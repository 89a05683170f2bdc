import fc from "fast-check";
import { expect, test } from "vitest";
import { windowGrid } from "../evaluate/tiles.js";
import type { RgbImage } from "../image/image.js";
import { byteInput, normalise } from "../image/normalise.js";
import { SEMSEG } from "../protocols/semseg.js";
import { type WindowLook, windowInput } from "./windowInput.js";

const { rules } = SEMSEG;

const side = fc.integer({ min: 1, max: 24 });

/** Bytes stand for themselves, but for a thousand more in each channel after the first. */
const table = Float32Array.from({ length: 3 * 256 }, (_, i) => (i % 256) + 1000 * Math.floor(i / 256));

function numbered(width: number, height: number): RgbImage {
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => (i * 37) % 251) };
}

/** The whole of an image at its own size, but for what is said otherwise. */
function look(image: RgbImage, changes: Partial<WindowLook> = {}): WindowLook {
  const whole = { scaled: image, top: 0, left: 0, window: image, size: image, flip: false };
  return { table, reversed: false, ...whole, ...changes };
}

test("the whole image at its own size is what normalise makes of it, reversed for a network of order bgr", () => {
  const image = numbered(5, 4);
  const [mean, std] = [[0.1, 0.2, 0.3] as const, [1, 2, 3] as const];
  for (const channelOrder of ["rgb", "bgr"] as const) {
    const input = { mean, std, channelOrder };
    const found = windowInput(image, look(image, byteInput(input)));
    const expected = normalise(image, input);
    for (const [i, value] of found.entries()) expect(value).toBeCloseTo(expected[i], 5);
  }
});

test("windows hold the image, at any size, where they lie on it, and nothing else", () => {
  const crop = fc.integer({ min: 1, max: 16 });
  const beyond = fc.integer({ min: 0, max: 7 });
  fc.assert(
    fc.property(side, side, side, side, crop, beyond, (width, height, w, h, crop, beyond) => {
      const image = numbered(width, height);
      const scaled = { width: w, height: h };
      const grid = windowGrid(scaled, { rules, crop });
      const size = { height: crop + beyond, width: crop + beyond };
      const all = windowInput(image, look(image, { scaled, window: scaled, size: scaled }));
      const pixel = (c: number, y: number, x: number) =>
        y < 0 || y >= h || x < 0 || x >= w ? 0 : all[(c * h + y) * w + x];
      return grid.windows.every((corner) => {
        const [top, left] = [corner.top - grid.padding.top, corner.left - grid.padding.left];
        const found = windowInput(image, look(image, { scaled, top, left, window: grid.window, size }));
        return found.every((value, i) => {
          const [x, y] = [i % size.width, Math.floor(i / size.width) % size.height];
          const c = Math.floor(i / size.width / size.height);
          return value === (x < crop && y < crop ? pixel(c, y + top, x + left) : 0);
        });
      });
    }),
  );
});

test("the second of a window is mirrored within the window, not within what it is padded to", () => {
  const image = numbered(3, 1);
  const found = windowInput(image, look(image, { size: { height: 2, width: 4 }, flip: true }));
  const [a, b, c] = [0, 3, 6].map((i) => image.data[i]);
  expect([...found.subarray(0, 8)]).toEqual([a, b, c, 0, 0, 0, 0, 0]);
  expect([...found.subarray(24, 32)]).toEqual([c, b, a, 0, 0, 0, 0, 0]);
});
