import { random } from "@pspnet/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type ColourChange, changeColours, drawColourChange } from "./photometric.js";

const SAME: ColourChange = { brightness: 0, contrast: 1, contrastFirst: false, saturation: 1, hue: 0 };

function changed(pixel: readonly number[], change: Partial<ColourChange>): number[] {
  const values = Float32Array.from(pixel);
  changeColours(values, pixel.length / 3, { ...SAME, ...change });
  return [...values];
}

test("brightness and contrast are limited to what bytes hold, one after the other", () => {
  expect(changed([250, 100, 5], { brightness: 20 })).toEqual([255, 120, 25]);
  expect(changed([250, 100, 5], { brightness: -20 })).toEqual([230, 80, 0]);
  expect(changed([200, 100, 0], { contrast: 1.5 })).toEqual([255, 150, 0]);
  expect(changed([200, 100, 0], { contrast: 0.5, brightness: 100 })).toEqual([127.5, 100, 50]);
});

// Values of Python's colorsys: rgb_to_hsv, then s = min(1, 1.5 s) or h = (h + 30 / 360) % 1, then hsv_to_rgb.
test.each([
  [{ saturation: 1.5 }, [200, 100, 50], [200, 200 / 3, 0]],
  [{ saturation: 0.5 }, [40, 180, 80], [110, 180, 130]],
  [{ hue: 30 }, [200, 100, 50], [200, 175, 50]],
  [{ hue: -30 }, [50, 60, 200], [50, 135, 200]],
  [{ hue: 30 }, [90, 90, 90], [90, 90, 90]],
] as const)("%j makes of %j %j", (change, from, to) => {
  changed(from, change).forEach((value, i) => {
    expect(value).toBeCloseTo(to[i], 3);
  });
});

test("colours before or after the contrast differ, as values are limited in between", () => {
  const both = { contrast: 1.5, saturation: 0.5 };
  expect(changed([240, 100, 20], { ...both, contrastFirst: true })).not.toEqual(changed([240, 100, 20], both));
});

test("a hue that is turned all the way round is the colour again, whatever it is", () => {
  const byte = fc.integer({ min: 0, max: 255 });
  fc.assert(
    fc.property(byte, byte, byte, (...pixel) => {
      changed(pixel, { hue: 360 }).forEach((value, i) => {
        expect(value).toBeCloseTo(pixel[i], 2);
      });
    }),
  );
});

test("changes each of about half of the samples, within its range, and the same for the same seed", () => {
  const drawn = Array.from({ length: 2000 }, (_, seed) => drawColourChange(random(seed)));
  const ranges = {
    brightness: [-32, 32, 0],
    contrast: [0.5, 1.5, 1],
    saturation: [0.5, 1.5, 1],
    hue: [-36, 36, 0],
  } as const;
  for (const [key, [least, most, unchanged]] of Object.entries(ranges)) {
    const values = drawn.map((one) => one[key as keyof typeof ranges]);
    expect(values.filter((value) => value !== unchanged).length / drawn.length).toBeCloseTo(0.5, 1);
    expect(Math.min(...values)).toBeGreaterThanOrEqual(least);
    expect(Math.max(...values)).toBeLessThanOrEqual(most);
  }
  expect(drawColourChange(random(7))).toEqual(drawn[7]);
});
