import { PspnetError, random } from "@pspnet/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Canvas, createCanvas } from "../src/canvas.js";
import { sceneClasses, sceneLabels } from "../src/classes.js";
import { hullLook, paintHull } from "../src/hull.js";
import { makeScene, type Scene, type SceneFamily, sceneFamilies } from "../src/scene.js";

const classCount = sceneClasses.names.length;

/** Number of pixels of each class over scenes of one family, or of all. */
function countLabels(count: number, size: number, family?: SceneFamily): Float64Array {
  const pixels = new Float64Array(256);
  for (let index = 0; index < count; index++) {
    for (const label of makeScene({ width: size, height: size, seed: 11, index, family }).label.data) pixels[label]++;
  }
  return pixels;
}

/** Mean colour of the pixels of one class over several scenes. */
function meanColour(scenes: readonly Scene[], label: number): number[] {
  const sum = [0, 0, 0];
  let count = 0;
  for (const scene of scenes) {
    for (const [pixel, found] of scene.label.data.entries()) {
      if (found !== label) continue;
      for (const channel of [0, 1, 2]) sum[channel] += scene.image.data[pixel * 3 + channel];
      count++;
    }
  }
  return sum.map((value) => value / count);
}

describe("sceneClasses", () => {
  it("gives each label a name and a colour of its own", () => {
    expect(Object.values(sceneLabels)).toEqual(sceneClasses.names.map((_, label) => label));
    expect(sceneClasses.palette).toHaveLength(classCount);
    expect(new Set(sceneClasses.palette.map(String)).size).toBe(classCount);
  });
});

describe("makeScene", () => {
  it("makes the same scene from the same options, and another from another seed, index or family", () => {
    const options = { width: 96, height: 80, seed: 5, index: 3 };
    const scene = makeScene(options);
    expect(makeScene(options)).toEqual(scene);
    for (const other of [{ seed: 6 }, { index: 4 }, { family: "indoor" as const }]) {
      expect(makeScene({ ...options, ...other }).image.data).not.toEqual(scene.image.data);
    }
  });

  it("makes the scene that it always made", () => {
    const { image, label } = makeScene({ width: 48, height: 40, seed: 1, index: 0 });
    const sum = (data: Uint8Array): number => data.reduce((hash, value) => (Math.imul(hash, 31) + value) >>> 0, 7);
    expect([sum(image.data), sum(label.data)]).toEqual([1918654380, 633832115]);
  });

  it("shows the same things in another size of the same shape", () => {
    for (let index = 0; index < 6; index++) {
      const small = makeScene({ width: 64, height: 64, seed: 2, index }).label.data;
      const large = makeScene({ width: 192, height: 192, seed: 2, index }).label.data;
      let same = 0;
      for (let y = 0; y < 64; y++) {
        for (let x = 0; x < 64; x++) if (small[y * 64 + x] === large[(y * 3 + 1) * 192 + x * 3 + 1]) same++;
      }
      expect(same / 4096).toBeGreaterThan(0.99);
    }
  });

  it("goes through the families by index", () => {
    const families = [0, 1, 2, 3].map((index) => makeScene({ width: 32, height: 32, seed: 0, index }).family);
    expect(families).toEqual(["street", "shore", "indoor", "street"]);
  });

  it("holds to any size, and paints every pixel with a class of its family", () => {
    const size = fc.integer({ min: 32, max: 300 });
    const property = fc.property(
      size,
      size,
      fc.nat(),
      fc.constantFrom(...sceneFamilies),
      (width, height, index, family) => {
        const { image, label } = makeScene({ width, height, seed: 7, index, family });
        expect(image.data).toHaveLength(width * height * 3);
        expect(label.data).toHaveLength(width * height);
        expect([image.width, image.height, label.width, label.height]).toEqual([width, height, width, height]);
        const found = new Set([...label.data].map((id) => sceneClasses.names[id]));
        expect([...found].filter((name) => !allowed[family].includes(name))).toEqual([]);
      },
    );
    fc.assert(property, { numRuns: 80, seed: 1 });
  });

  it("leaves no pixel unpainted", () => {
    for (let index = 0; index < 30; index++) {
      const { image } = makeScene({ width: 64, height: 64, seed: 4, index });
      let black = 0;
      for (let i = 0; i < image.data.length; i += 3)
        if (image.data[i] + image.data[i + 1] + image.data[i + 2] < 12) black++;
      expect(black).toBeLessThan(8);
    }
  });

  it.each(sceneFamilies)("shows all the classes of %s", (family) => {
    const pixels = countLabels(40, 64, family);
    const found = sceneClasses.names.filter((_, label) => pixels[label] > 0);
    expect([...found].sort()).toEqual([...allowed[family]].sort());
  });

  it("has no rare class and none that fills the pictures", () => {
    const pixels = countLabels(201, 96);
    const total = pixels.reduce((sum, value) => sum + value);
    for (const [label, name] of sceneClasses.names.entries()) {
      expect(pixels[label] / total, name).toBeGreaterThan(0.007);
      expect(pixels[label] / total, name).toBeLessThan(0.25);
    }
  });

  it.each([
    [16, 64],
    [64, 31],
    [64.5, 64],
    [Number.NaN, 64],
  ])("refuses %d x %d", (width, height) => {
    expect(() => makeScene({ width, height, seed: 0, index: 0 })).toThrow(PspnetError);
    expect(() => makeScene({ width, height, seed: 0, index: 0 })).toThrow(/at least 32/);
  });
});

describe("makeScene's index", () => {
  it.each([-1, 0.5])("refuses %d", (index) => {
    expect(() => makeScene({ width: 32, height: 32, seed: 0, index })).toThrow(/index to be an integer of at least 0/);
  });
});

describe("the need of context", () => {
  it("paints the same hull as a car and as a boat", () => {
    const paint = (label: number): Canvas => {
      const canvas = createCanvas(64, 64);
      paintHull(canvas, hullLook(random(3)), { x: 0.5, bottom: 0.8, length: 0.8 }, label);
      return canvas;
    };
    const car = paint(sceneLabels.car);
    const boat = paint(sceneLabels.boat);
    expect(car.colour).toEqual(boat.colour);
    expect(car.label.filter((label) => label === sceneLabels.car).length).toBeGreaterThan(400);
    expect(boat.label.map((label) => (label === sceneLabels.boat ? sceneLabels.car : label))).toEqual(car.label);
  });

  it("draws cars and boats from the same colours", () => {
    const scenes = Array.from({ length: 80 }, (_, index) =>
      makeScene({ width: 64, height: 64, seed: 8, index, family: "shore" }),
    );
    const car = meanColour(scenes, sceneLabels.car);
    const boat = meanColour(scenes, sceneLabels.boat);
    for (const channel of [0, 1, 2]) expect(Math.abs(car[channel] - boat[channel])).toBeLessThan(20);
  });

  it("draws walls and towers from the same surfaces, pillows from the bed's", () => {
    const of = (family: SceneFamily, seed: number): Scene[] =>
      Array.from({ length: 60 }, (_, index) => makeScene({ width: 48, height: 48, seed, index, family }));
    const rooms = of("indoor", 9);
    const wall = meanColour(rooms, sceneLabels.wall);
    const tower = meanColour(of("street", 9), sceneLabels.skyscraper);
    const bed = meanColour(rooms, sceneLabels.bed);
    const pillow = meanColour(rooms, sceneLabels.pillow);
    for (const channel of [0, 1, 2]) {
      expect(Math.abs(wall[channel] - tower[channel])).toBeLessThan(30);
      expect(Math.abs(bed[channel] - pillow[channel])).toBeLessThan(40);
    }
  });
});

const outdoors = ["sky", "skyscraper", "road", "grass", "tree", "car", "person", "sign", "lamp"];
const allowed: Record<SceneFamily, readonly string[]> = {
  street: outdoors,
  shore: [...outdoors, "water", "boat"],
  indoor: ["wall", "window", "floor", "bed", "pillow", "person", "lamp"],
};
