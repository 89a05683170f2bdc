import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { passesOf, scaledSizes, type WindowGrid, windowGrid } from "./tiles.js";

const SCALES = [0.5, 0.75, 1, 1.25, 1.5, 1.75];

describe("passesOf", () => {
  // The official release's protocol on a Cityscapes and on a typical ADE20K image.
  it.each([
    [{ height: 1024, width: 2048 }, 2048, 713, [2, 6, 8, 15, 18, 32]],
    [{ height: 384, width: 512 }, 512, 473, [1, 1, 2, 4, 4, 6]],
  ])("%j at base %i, crop %i takes %j windows", (size, baseSize, crop, counts) => {
    const passes = passesOf(size, { baseSize, scales: SCALES, crop });
    expect(passes.map(({ grid }) => grid.windows.length)).toEqual(counts);
    expect(passes.map(({ scale }) => scale)).toEqual(SCALES);
  });
});

describe("scaledSizes", () => {
  const at = (height: number, width: number, baseSize: number | null, ...scales: number[]) =>
    scaledSizes({ height, width }, { baseSize, scales }).map((size) => [size.height, size.width]);

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
    const grid = windowGrid({ height: 473, width: 800 }, { crop: 473 });
    expect(grid.windows).toEqual([
      { top: 0, left: 0 },
      { top: 0, left: 316 },
      { top: 0, left: 327 },
    ]);
    expect(grid.padding).toEqual({ top: 0, left: 0, bottom: 0, right: 0 });
  });

  it("centres an image smaller than a window, the odd pixel after it", () => {
    const grid = windowGrid({ height: 100, width: 98 }, { crop: 101 });
    expect(grid.padding).toEqual({ top: 0, left: 1, bottom: 1, right: 2 });
    expect(grid.windows).toEqual([{ top: 0, left: 0 }]);
  });

  it("takes the whole image without a crop", () => {
    const grid = windowGrid({ height: 225, width: 289 }, { crop: null });
    expect(grid).toMatchObject({ window: { height: 225, width: 289 }, windows: [{ top: 0, left: 0 }] });
  });

  it("refuses a stride that leaves gaps or never ends", () => {
    for (const strideRate of [0, 1.5]) {
      expect(() => windowGrid({ height: 9, width: 9 }, { crop: 5, strideRate })).toThrow(
        "expected a strideRate above 0",
      );
    }
  });

  const side = fc.integer({ min: 1, max: 120 });
  const crop = fc.record({ height: fc.integer({ min: 1, max: 50 }), width: fc.integer({ min: 1, max: 50 }) });
  const strideRate = fc.double({ min: 0.2, max: 1, noNaN: true });

  it("covers every pixel, stays inside, and steps no further than the stride", () => {
    fc.assert(
      fc.property(side, side, crop, strideRate, (height, width, window, rate) => {
        const grid = windowGrid({ height, width }, { crop: window, strideRate: rate });
        const { padding, padded, windows } = grid;
        expect([padding.top + height + padding.bottom, padding.left + width + padding.right]).toEqual([
          padded.height,
          padded.width,
        ]);
        const counts = windowCounts(grid);
        expect(counts.every((count) => count > 0)).toBe(true);
        const pixels = windows.length * window.height * window.width;
        expect(counts.reduce((sum, count) => sum + count, 0)).toBe(pixels);
        const tops = [...new Set(windows.map(({ top }) => top))];
        expect(Math.max(...tops) + window.height).toBe(padded.height);
        expect(
          tops.every(
            (top, i) => i === 0 || (top > tops[i - 1] && top - tops[i - 1] <= Math.ceil(window.height * rate)),
          ),
        ).toBe(true);
        expect(new Set(windows.map(({ top, left }) => `${top} ${left}`)).size).toBe(windows.length);
      }),
    );
  });
});

/** Number of windows over each pixel of the padded image, row by row. */
function windowCounts({ padded, window, windows }: WindowGrid): Uint16Array {
  const counts = new Uint16Array(padded.height * padded.width);
  for (const { top, left } of windows) {
    for (let y = top; y < top + window.height; y++) {
      const row = y * padded.width;
      for (let x = left; x < left + window.width; x++) counts[row + x]++;
    }
  }
  return counts;
}
