import { Script } from "node:vm";
import { type ClassList, ConfusionMatrix, IGNORE, type LabelMap } from "@pspnet/core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { ErrorLog } from "./errorLog.js";
import { errorPage } from "./errorPage.js";
import { SCRIPT } from "./errorPageParts.js";
import { errorPictures } from "./errorPictures.js";

const classes: ClassList = {
  names: ["roof </script>", "<i>sea</i>", "sky"],
  palette: [
    [200, 20, 30],
    [10, 60, 220],
    [1, 2, 3],
  ],
};

function labels(...data: number[]): LabelMap {
  return { width: data.length, height: 1, data: Uint8Array.from(data) };
}

const IMAGES: readonly (readonly [id: string, truth: LabelMap, prediction: LabelMap])[] = [
  ["right.png", labels(0, 0, 1, 1), labels(0, 0, 1, 1)],
  ["none.png", labels(IGNORE, IGNORE), labels(0, 1)],
  ['"wrong".png', labels(0, 0, 0, 1), labels(1, 1, 0, 0)],
];

/** Three images: one right, one in which a roof is taken for the sea, one where nothing is labelled. */
function logged() {
  const log = new ErrorLog(3);
  const confusion = new ConfusionMatrix(3);
  for (const [index, [id, truth, prediction]] of IMAGES.entries()) {
    log.add({ id, label: truth }, prediction, index);
    confusion.add(prediction.data, truth.data);
  }
  return { log, confusion };
}

describe("the log of errors", () => {
  test("has the worst image first, and last the one that cannot be judged", () => {
    const { log } = logged();
    expect(log.worst().map(({ id, meanIoU }) => [id, meanIoU])).toEqual([
      ['"wrong".png', expect.closeTo((1 / 4 + 0) / 2, 9)],
      ["right.png", expect.closeTo(1, 9)],
      ["none.png", null],
    ]);
    const [wrong] = log.worst();
    expect(wrong.classes.map(({ id }) => id)).toEqual([1, 0]);
    expect(wrong.confusions).toEqual([
      { truth: 0, guess: 1, pixels: 2 },
      { truth: 1, guess: 0, pixels: 1 },
    ]);
  });

  test("tells where each confusion is", () => {
    const { log, confusion } = logged();
    expect(log.pairs(confusion, 5)).toEqual([
      { truth: 0, guess: 1, pixels: 2, share: 2 / 5, images: [2] },
      { truth: 1, guess: 0, pixels: 1, share: 1 / 3, images: [2] },
    ]);
    expect(log.pairs(confusion, 1)).toHaveLength(1);
  });

  test("is the same of parts, whatever their order, to the last bit", () => {
    const shares = [new ErrorLog(3), new ErrorLog(3)];
    for (const [index, [id, truth, prediction]] of IMAGES.entries())
      shares[(index + 1) % 2].add({ id, label: truth }, prediction, index);
    const parts = shares.map((share) => JSON.parse(JSON.stringify(share)));
    const { log } = logged();
    const [merged, found] = [new ErrorLog(3, parts), log].map((one) => [
      one.images,
      one.objects.scores(),
      one.boundary.scores(),
    ]);
    expect(merged).toEqual(found);
  });
});

describe("the page of errors", () => {
  const { log, confusion } = logged();
  const images = log.worst().map((image) => ({ ...image, pictures: `pictures/${image.index}` }));
  const page = errorPage({
    title: "a & b",
    summary: [["mIoU %", "12.50"]],
    protocol: "semseg: one scale",
    classes,
    scores: confusion.scores(),
    boundary: log.boundary.scores(),
    objects: log.objects.scores(),
    pairs: log.pairs(confusion, 5),
    images,
    evaluated: 7,
  });

  test("shows names to the letter, and its data is all there", () => {
    expect(page).toContain("<title>a &amp; b</title>");
    expect(page).toContain("3 of 7 images, the worst first");
    expect(page).not.toContain("<i>sea");
    expect(page.match(/<\/script>/g)).toHaveLength(2);
    const [, data] = /<script type="application\/json" id="data">(.*)<\/script>/.exec(page)!;
    expect(JSON.parse(data)).toEqual({ ...classes, images });
    expect([...page.matchAll(/data-images="([^"]*)"/g)].map(([, indices]) => indices)).toEqual(["2", "2"]);
    expect(page).not.toMatch(/(src|href)="http/);
  });

  test("has a script that reads, and finds each part that it asks for", () => {
    expect(() => new Script(SCRIPT)).not.toThrow();
    for (const [, id] of SCRIPT.matchAll(/\bof\("([\w-]+)"\)/g)) expect(page).toContain(`id="${id}"`);
    for (const id of ["left", "right", "show-left", "show-right"]) expect(page).toContain(`id="${id}"`);
  });
});

describe("the pictures", () => {
  const decode = async (png: Uint8Array) => {
    const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    return { ...info, pixels: Array.from({ length: data.length / 4 }, (_, i) => [...data.subarray(4 * i, 4 * i + 4)]) };
  };

  test("colour the classes, and what is wrong, right and not labelled", async () => {
    const image = { width: 3, height: 1, data: new Uint8Array(9).fill(100) };
    const found = await errorPictures(image, {
      truth: labels(0, 1, IGNORE),
      prediction: labels(0, 0, 1),
      palette: classes.palette,
    });
    expect((await decode(found.truth)).pixels).toEqual([
      [200, 20, 30, 255],
      [10, 60, 220, 255],
      [0, 0, 0, 0],
    ]);
    expect((await decode(found.prediction)).pixels[2]).toEqual([10, 60, 220, 255]);
    expect((await decode(found.errors)).pixels).toEqual([
      [255, 255, 255, 150],
      [213, 94, 0, 225],
      [110, 110, 110, 225],
    ]);
    expect((await sharp(found.photograph).metadata()).format).toBe("jpeg");
  });

  test("are at most 1024 pixels wide, all alike", async () => {
    const [width, height] = [2048, 4];
    const image = { width, height, data: new Uint8Array(3 * width * height) };
    const map = { width, height, data: new Uint8Array(width * height) };
    const found = await errorPictures(image, { truth: map, prediction: map, palette: classes.palette });
    for (const picture of Object.values(found))
      expect(await sharp(picture).metadata()).toMatchObject({ width: 1024, height: 2 });
  });
});
