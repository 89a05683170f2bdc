import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Size } from "../image/image.js";
import { SEMSEG } from "../protocols/semseg.js";
import { passesOf, scaledSizes, type WindowGrid, windowGrid } from "./tiles.js";

const { rules } = SEMSEG;

const SCALES = [0.5, 0.75, 1, 1.25, 1.5, 1.75];

describe("passesOf", () => {
  // The official release's protocol on a Cityscapes and on a typical ADE20K image.
  it.each([
    [{ height: 1024, width: 2048 }, 2048, 713, [2, 6, 8, 15, 18, 32]],
    [{ height: 384, width: 512 }, 512, 473, [1, 1, 2, 4, 4, 6]],
  ])("%j at base %i, crop %i takes %j windows", (size, baseSize, crop, counts) => {
    const passes = passesOf(size, { rules, baseSize, scales: SCALES, crop });
    expect(passes.map(({ grid }) => grid.windows.length)).toEqual(counts);
    expect(passes.map(({ scale }) => scale)).toEqual(SCALES);
  });
});

describe("scaledSizes", () => {
  const at = (height: number, width: number, baseSize: number | null, ...scales: number[]) =>
    scaledSizes({ height, width }, { rules, baseSize, scales }).map((size) => [size.height, size.width]);

  it("makes the long side round(scale * baseSize), whichever it is", () => {
    expect(at(384, 512, 512, 0.5, 1.25)).toEqual([
      [192, 256],
      [480, 640],
    ]);
    expect(at(500, 333, 512, 1)).toEqual([[512, 341]]);
    expect(at(300, 300, 512, 1)).toEqual([[512, 512]]);
  });

  it("rounds halves to even, as Python", () => {
    expect(at(100, 100, 473, 0.5, 1.5)).toEqual([
      [236, 236],
      [710, 710],
    ]);
  });

  it("keeps the image's own size without a base, and at least a pixel", () => {
    expect(at(225, 289, null, 1)).toEqual([[225, 289]]);
    expect(at(1, 1000, 100, 0.5)).toEqual([[1, 50]]);
  });

  it("refuses scales that are none", () => {
    expect(() => at(10, 10, null, 0)).toThrow("scaledSizes: expected scales above 0, found 0");
  });
});

describe("windowGrid", () => {
  it("shifts the last window back to the border", () => {
    const grid = windowGrid({ height: 473, width: 800 }, { rules, crop: 473 });
    expect(grid.windows).toEqual([
      { top: 0, left: 0 },
      { top: 0, left: 316 },
      { top: 0, left: 327 },
    ]);
    expect(grid.padding).toEqual({ top: 0, left: 0 });
  });

  it("centres an image smaller than a window, the odd pixel after it", () => {
    const grid = windowGrid({ height: 100, width: 98 }, { rules, crop: 101 });
    expect(grid.padding).toEqual({ top: 0, left: 1 });
    expect(grid.windows).toEqual([{ top: 0, left: 0 }]);
  });

  it("takes windows that are no squares", () => {
    const grid = windowGrid({ height: 90, width: 200 }, { rules, crop: [100, 150] });
    expect(grid).toEqual({
      padding: { top: 5, left: 0 },
      window: { height: 100, width: 150 },
      windows: [
        { top: 0, left: 0 },
        { top: 0, left: 50 },
      ],
    });
  });

  it("takes the whole image without a crop", () => {
    const grid = windowGrid({ height: 225, width: 289 }, { rules, crop: null });
    expect(grid).toMatchObject({ window: { height: 225, width: 289 }, windows: [{ top: 0, left: 0 }] });
  });

  const side = fc.integer({ min: 1, max: 120 });
  const crop = fc.integer({ min: 1, max: 50 });

  it("covers every pixel, stays inside, and steps no further than the stride", () => {
    fc.assert(
      fc.property(side, side, crop, (height, width, crop) => {
        const grid = windowGrid({ height, width }, { rules, crop });
        const padded = { height: Math.max(height, crop), width: Math.max(width, crop) };
        expect(grid.padding).toEqual({
          top: Math.floor((padded.height - height) / 2),
          left: Math.floor((padded.width - width) / 2),
        });
        const counts = windowCounts(grid, padded);
        expect(counts.every((count) => count > 0)).toBe(true);
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(grid.windows.length * crop ** 2);
        const tops = [...new Set(grid.windows.map(({ top }) => top))];
        expect(Math.max(...tops) + crop).toBe(padded.height);
        const steps = tops.slice(1).map((top, i) => top - tops[i]);
        expect(steps.every((step) => step > 0 && step <= Math.ceil((2 / 3) * crop))).toBe(true);
        expect(new Set(grid.windows.map(({ top, left }) => `${top} ${left}`)).size).toBe(grid.windows.length);
      }),
    );
  });
});

/** Number of windows over each pixel of the padded image, row by row. */
function windowCounts({ window, windows }: WindowGrid, padded: Size): Uint16Array {
  const counts = new Uint16Array(padded.height * padded.width);
  for (const { top, left } of windows) {
    for (let y = top; y < top + window.height; y++) {
      const row = y * padded.width;
      for (let x = left; x < left + window.width; x++) counts[row + x]++;
    }
  }
  return counts;
}
