import { describe, expect, it } from "vitest";
import { PspnetError } from "../error.js";
import type { Rgb } from "./classes.js";
import { classAreas, colourise, HATCH, hatchIgnored, overlay } from "./paint.js";

const palette: readonly Rgb[] = [
  [10, 20, 30],
  [200, 0, 100],
];
const label = { width: 2, height: 2, data: Uint8Array.of(0, 1, 255, 1) };
const image = { width: 2, height: 2, data: new Uint8Array(12).fill(100) };

describe("colourise", () => {
  it("gives each class its colour, and black to the rest", () => {
    expect([...colourise(label, palette).data]).toEqual([10, 20, 30, 200, 0, 100, 0, 0, 0, 200, 0, 100]);
  });
});

describe("overlay", () => {
  it("mixes colour and photograph, and leaves ignored pixels alone", () => {
    expect([...overlay(image, label, { palette }).data]).toEqual([
      55, 60, 65, 150, 50, 100, 100, 100, 100, 150, 50, 100,
    ]);
    expect([...overlay(image, label, { palette, opacity: 0 }).data]).toEqual([...image.data]);
    expect([...overlay(image, label, { palette, opacity: 1 }).data].slice(3, 6)).toEqual([200, 0, 100]);
    expect([...image.data]).toEqual(new Array(12).fill(100));
  });

  it("leaves the photograph as it was, in a Node Buffer too", () => {
    const photograph = { ...image, data: Buffer.from(image.data) };
    overlay(photograph, label, { palette });
    expect([...photograph.data]).toEqual([...image.data]);
  });

  it("refuses a label map of another size", () => {
    const wide = { width: 4, height: 1, data: label.data };
    expect(() => overlay(image, wide, { palette })).toThrow(PspnetError);
    expect(() => overlay(image, wide, { palette })).toThrow("expected a label map of 2x2, found 1x4");
  });
});

describe("hatchIgnored", () => {
  it("draws stripes over ignored pixels alone, and leaves the picture as it was", () => {
    const wide = { width: 6, height: 2, data: new Uint8Array(36).fill(7) };
    const ignored = { width: 6, height: 2, data: new Uint8Array(12).fill(255) };
    ignored.data[3] = 1;
    const { data } = hatchIgnored(wide, ignored, { stripe: 2 });
    const grey = Array.from({ length: 12 }, (_, i) => data.subarray(3 * i, 3 * i + 3).join() === HATCH.join());
    expect(grey.map(Number)).toEqual([0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1]);
    expect(data.filter((value) => value !== 7 && value !== HATCH[0])).toHaveLength(0);
    expect(wide.data.every((value) => value === 7)).toBe(true);
  });
});

describe("classAreas", () => {
  it("counts the classes that are there, largest first", () => {
    expect(classAreas(label, ["water", "boat", "sky"])).toEqual([
      { id: 1, name: "boat", pixels: 2, share: 0.5 },
      { id: 0, name: "water", pixels: 1, share: 0.25 },
    ]);
  });
});
