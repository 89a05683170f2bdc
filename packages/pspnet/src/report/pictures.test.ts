import {
  type ClassList,
  HATCH,
  IGNORE,
  IMAGENET,
  type LabelMap,
  normalise,
  type Rgb,
  type RgbImage,
} from "@pspnet/core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { grid, shrinkTo } from "./grid.js";
import { batchPicture, validationPicture } from "./pictures.js";

const RED: Rgb = [200, 20, 30];
const BLUE: Rgb = [10, 60, 220];
const classes: ClassList = { names: ["roof & wall", "sea"], palette: [RED, BLUE] };
const WHITE: Rgb = [255, 255, 255];

function plain(width: number, height: number, colour: Rgb): RgbImage {
  return { width, height, data: Uint8Array.from({ length: 3 * width * height }, (_, i) => colour[i % 3]) };
}

function pixel({ width, data }: RgbImage, x: number, y: number): number[] {
  return [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}

async function decode(png: Uint8Array): Promise<RgbImage> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
}

describe("a grid", () => {
  const images = [plain(4, 3, RED), plain(2, 5, BLUE), plain(4, 3, BLUE)];

  test("has cells of the largest picture's size and white between them", () => {
    const picture = grid(images, { columns: 2, gap: 1 });
    expect([picture.width, picture.height]).toEqual([9, 11]);
    expect(pixel(picture, 3, 2)).toEqual(RED);
    expect(pixel(picture, 3, 3)).toEqual(WHITE);
    expect(pixel(picture, 4, 0)).toEqual(WHITE);
    expect(pixel(picture, 5, 4)).toEqual(BLUE);
    expect(pixel(picture, 0, 6)).toEqual(BLUE);
    expect(pixel(picture, 8, 10)).toEqual(WHITE);
  });

  test("is not wider than its pictures need", () => {
    expect(grid(images.slice(0, 1), { columns: 5, gap: 3 })).toEqual(images[0]);
  });

  test("takes part in a smaller size", () => {
    const shrunk = shrinkTo(10, grid([plain(20, 40, RED), plain(20, 40, BLUE)], { columns: 2, gap: 0 }));
    expect([shrunk.width, shrunk.height]).toEqual([10, 10]);
    expect([pixel(shrunk, 4, 9), pixel(shrunk, 5, 0)]).toEqual([RED, BLUE]);
    expect(shrinkTo(50, images[0])).toBe(images[0]);
  });
});

describe("the picture of a batch", () => {
  test("shows each crop as it was before it was normalised, beside itself tinted", () => {
    const colours: Rgb[] = [
      [0, 128, 255],
      [37, 1, 99],
    ];
    const images = new Float32Array(colours.flatMap((colour) => [...normalise(plain(6, 4, colour))]));
    const interleaved = new Float32Array(images.length);
    for (let i = 0; i < 2; i++)
      for (let c = 0; c < 3; c++)
        for (let p = 0; p < 24; p++) interleaved[(i * 24 + p) * 3 + c] = images[(i * 3 + c) * 24 + p];
    const labels = new Uint8Array(48).fill(1, 24).fill(IGNORE, 0, 24);
    const picture = batchPicture(interleaved, labels, { ...IMAGENET, shape: [2, 4, 6], palette: classes.palette });
    expect([picture.width, picture.height]).toEqual([30, 4]);
    expect(pixel(picture, 0, 0)).toEqual(colours[0]);
    expect(pixel(picture, 6, 0)).toEqual(colours[0]);
    expect(pixel(picture, 10, 0)).toEqual(HATCH);
    expect(pixel(picture, 18, 3)).toEqual(colours[1]);
    expect(pixel(picture, 24, 3)).toEqual(colours[1].map((value, c) => Math.round(value + 0.6 * (BLUE[c] - value))));
  });

  test("stays small however many and large the crops are", () => {
    const [n, side] = [20, 400];
    const options = { ...IMAGENET, shape: [n, side, side] as const, palette: classes.palette };
    const { width, height } = batchPicture(
      new Float32Array(n * side * side * 3),
      new Uint8Array(n * side * side),
      options,
    );
    expect([width, height]).toEqual([3 * 640 + 12, 4 * 320 + 18]);
  });
});

describe("the picture of a validation", () => {
  /** The colours of all pixels from a row on. */
  const legendOf = (picture: RgbImage, top: number) =>
    Array.from({ length: picture.width * (picture.height - top) }, (_, i) =>
      pixel(picture, i % picture.width, top + Math.floor(i / picture.width)).join(),
    );
  const parts = (width: number, height: number) => {
    const truth = { width, height, data: new Uint8Array(width * height) };
    const prediction = { width, height, data: new Uint8Array(width * height).fill(IGNORE, 0, (width * height) / 2) };
    return { image: plain(width, height, [90, 100, 110]), truth, prediction, classes };
  };

  test("has photograph, truth and prediction side by side, and a legend of the classes there are", async () => {
    const picture = await decode(await validationPicture(parts(400, 300)));
    expect(picture.width).toBe(3 * 400 + 12);
    const y = 26 + 150;
    expect(pixel(picture, 200, y)).toEqual([90, 100, 110]);
    expect(pixel(picture, 406 + 200, y)).toEqual(RED);
    expect(pixel(picture, 812 + 200, 26 + 10)).toEqual([0, 0, 0]);
    expect(pixel(picture, 812 + 204, 26 + 10)).toEqual(HATCH);
    expect(pixel(picture, 812 + 200, 26 + 290)).toEqual(RED);
    const legend = legendOf(picture, 326);
    expect(legend.filter((colour) => colour === RED.join()).length).toBeGreaterThan(100);
    expect(legend).not.toContain(BLUE.join());
  });

  test("has what is ignored in the legend, if anything is", async () => {
    const some = parts(400, 300);
    const black = async (prediction: LabelMap) =>
      legendOf(await decode(await validationPicture({ ...some, prediction })), 326).includes("0,0,0");
    expect(await black(some.prediction)).toBe(true);
    expect(await black(some.truth)).toBe(false);
  });

  test.each([
    [64, 48, 320, 240],
    [2048, 1024, 640, 320],
  ])("a photograph of %d x %d has panels of %d x %d", async (width, height, panelWidth, panelHeight) => {
    const picture = await decode(await validationPicture(parts(width, height)));
    expect(picture.width).toBe(3 * panelWidth + 12);
    expect(pixel(picture, panelWidth + 6 + 10, 26 + panelHeight - 1)).toEqual(RED);
    expect(pixel(picture, 10, 26 + panelHeight)).toEqual(WHITE);
  });
});
