import { readdir, readFile, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { colourise, IGNORE, type LabelMap, type Rgb, VOC2012 } from "@pspnet/core";
import { encode } from "fast-png";
import sharp from "sharp";
import { beforeEach, describe, expect, it, test } from "vitest";
import { loadTrainConfig } from "../src/config/load.js";
import { checkDataset, formatCheckReport, lookAtLabels } from "../src/data/check.js";
import { openDataset } from "../src/data/dataset.js";
import type { DataConfig } from "../src/data/format.js";
import { readImage } from "../src/data/images.js";
import type { DatasetSource } from "../src/data/source.js";
import { encodeMask, encodePng } from "../src/files/png.js";
import { contactSheet } from "../src/report/contactSheet.js";
import { pspnet } from "./support/cli.js";
import { describeData, image as photo, put, root } from "./support/dataFolder.js";
import { photographed, upright } from "./support/orientation.js";

// What masks mean: ids that are mapped or ignored, colours, photographs that EXIF turns, and no mask at all.

const putImage = async (path: string, width = 4, height = 1) => put(path, await encodePng(photo(width, height)));

/** A grey PNG of these ids, in one row unless told otherwise. */
const putMask = (path: string, ids: readonly number[], width = ids.length) =>
  put(path, encode({ width, height: ids.length / width, data: Uint8Array.from(ids), channels: 1, depth: 8 }));

async function labelsOf(given: Partial<DataConfig> = {}, index = 0): Promise<number[]> {
  const dataset = await openDataset(describeData(given), "train");
  return [...(await dataset.at(index)).label.data];
}

describe("ids", () => {
  beforeEach(async () => {
    await putImage("train/images/x.png", 5);
    await putMask("train/masks/x.png", [0, 1, 2, 3, 255]);
  });

  it("are mapped one by one, many to one, and counting up", async () => {
    expect(await labelsOf({ ids: { "1-3": "0-2" }, ignore: [0] })).toEqual([IGNORE, 0, 1, 2, IGNORE]);
    expect(await labelsOf({ ids: { 0: 2, "1-3": 1 } })).toEqual([2, 1, 1, 1, IGNORE]);
  });

  it("of 255 may be a class, and a class may be ignored", async () => {
    expect(await labelsOf({ ids: { "0-3": 0, 255: 1 } })).toEqual([0, 0, 0, 0, 1]);
    expect(await labelsOf({ ignore: [1, 3] })).toEqual([0, IGNORE, 2, IGNORE, IGNORE]);
    expect(await labelsOf({ ignore: ["1-3"] })).toEqual([0, IGNORE, IGNORE, IGNORE, IGNORE]);
  });

  it("that nothing speaks of are errors that say the mend", async () => {
    await expect(labelsOf()).rejects.toThrow(
      /expected ids 0 to 2, or 255 for none, found id 3 in 1 pixel; .*data\.classes, .*data\.ids .*data\.ignore/,
    );
    await expect(labelsOf({ ids: { 0: 0, 2: 1 }, ignore: [3] })).rejects.toThrow(
      "expected ids 0, 2, or 3, 255 for none, found id 1",
    );
    const report = await checkDataset(await openDataset(describeData(), "train"));
    expect(report.unknownIds).toEqual([3]);
    expect(formatCheckReport(report)).toMatch(/no class has id 3: .*data\.ignore/);
  });

  it.each<[NonNullable<DataConfig["ids"]>, RegExp]>([
    [{ "1-3": 3 }, /data\.ids: expected classes from 0 to 2, found 1-3: 3; write for example/],
    [{ "1-3": "0-1" }, /as many classes as ids, found 1-3: 0-1/],
    [{ "3-1": "0-2" }, /an id, a range of ids or a colour such as #804080, found 3-1/],
    [{ 1: "sky" }, /a class or a range of classes, found 1: sky/],
    [{ 256: 0 }, /ids from 0 to 255, found 256/],
    [{ "0-3": 0, 2: 1 }, /one class for id 2/],
  ])("%j is refused", async (ids, message) => {
    await expect(labelsOf({ ids })).rejects.toThrow(message);
    await expect(labelsOf({ ids })).rejects.toMatchObject({ code: "config" });
  });

  it("are told by the configuration, its file or a flag", async () => {
    const file = await put("run.yaml", `data: { root: ., ids: { 1-3: 0-2, 7: 1 } }`);
    const config = await loadTrainConfig(file, ["data.ignore=[0]", "data.ids.9=2"], root);
    expect(config.data).toMatchObject({ ids: { "1-3": "0-2", 7: 1, 9: 2 }, ignore: [0] });
    await expect(loadTrainConfig(file, ["data.ignore=[300]"], root)).rejects.toThrow(/data\.ignore\.0: expected .*255/);
  });
});

describe("masks of colours", () => {
  const palette: readonly Rgb[] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
  ];
  const mask: LabelMap = { width: 4, height: 1, data: Uint8Array.of(2, 0, IGNORE, 1) };

  it("are read by the classes' own palette, black being none, and `data check` says so", async () => {
    await put("classes.json", JSON.stringify({ names: ["a", "b", "c"], palette }));
    await putImage("train/images/x.png");
    await put("train/masks/x.png", await encodePng(colourise(mask, palette)));
    await putImage("train/images/y.png");
    await putMask("train/masks/y.png", [5, 5, 5, 6]);
    // Ids are of masks that hold ids: colours mean their classes.
    const given = { classes: undefined, ids: { 5: 0, 6: 2 } };
    expect(await labelsOf(given)).toEqual([...mask.data]);
    expect(await labelsOf(given, 1)).toEqual([0, 0, 0, 2]);
    const report = await checkDataset(await openDataset(describeData(given), "train"));
    expect(report).toMatchObject({ colourMasks: 1, problems: [], ignoredPixels: 1 });
    expect(report.classes.map(({ pixels }) => pixels)).toEqual([4, 1, 2]);
    expect(formatCheckReport(report)).toContain("1 mask of colours");
  });

  it("of a preset's are read too; VOC's background is black", async () => {
    await putImage("train/images/x.png");
    await put(
      "train/masks/x.png",
      await encodePng(colourise({ ...mask, data: Uint8Array.of(0, 1, 20, 0) }, VOC2012.palette)),
    );
    expect(await labelsOf({ classes: "voc2012" })).toEqual([0, 1, 20, 0]);
  });

  it("mean what data.ids and data.ignore say of them, before the palette", async () => {
    await putImage("train/images/x.png");
    await put("train/masks/x.png", await encodePng(colourise(mask, palette)));
    const ids = { "#ff0000": 2, "0 255 0": 2, "0 0 255": 0 };
    expect(await labelsOf({ ids })).toEqual([0, 2, IGNORE, 2]);
    expect(await labelsOf({ ids, ignore: ["#00ff00"] })).toEqual([0, 2, IGNORE, IGNORE]);
    expect(await labelsOf({ ids: { ...ids, "#000000": 1 } })).toEqual([0, 2, 1, 2]);
    await put("classes.json", JSON.stringify({ names: ["a", "b", "c"], palette }));
    expect(await labelsOf({ classes: undefined, ids: { "#0000ff": 0 } })).toEqual([0, 0, IGNORE, 1]);
    await expect(labelsOf({ ids: { "#ff0000": 0 } })).rejects.toThrow(/found 0,0,255 at 0,0, no class's; .*data\.ids/);
    await expect(labelsOf({ ids: { "#ff0000": "0-1" } })).rejects.toThrow("one class for a colour");
    await expect(labelsOf({ ids: { "0 256 0": 0 } })).rejects.toThrow("a colour such as #804080, found 0 256 0");
    await expect(labelsOf({ ignore: ["red"] })).rejects.toThrow(/data\.ignore: .*found red/);
  });

  it("are those of a palette PNG too where data.ids speaks of colours", async () => {
    await putImage("train/images/x.png");
    await put("train/masks/x.png", encodeMask({ width: 4, height: 1, data: Uint8Array.of(2, 0, 1, 2) }, palette));
    expect(await labelsOf()).toEqual([2, 0, 1, 2]);
    expect(await labelsOf({ ids: { "#ff0000": 2, "#00ff00": 1, "#0000ff": 0 } })).toEqual([0, 2, 1, 0]);
    expect(await labelsOf({ ignore: ["#ff0000"] })).toEqual([2, 0, 1, 2]);
  });

  it("cannot be read by colours that were made up for names", async () => {
    await putImage("train/images/x.png");
    await put("train/masks/x.png", await encodePng(colourise(mask, palette)));
    await expect(labelsOf()).rejects.toThrow(
      /found 3 colour channels; .*colour is which class in classes\.json or data\.ids/,
    );
  });
});

describe("masks of 0 and 255 alone", () => {
  const two = { classes: ["background", "cat"] };
  beforeEach(async () => {
    for (const name of ["x", "y"]) await putImage(`train/images/${name}.png`);
    await putMask("train/masks/x.png", [0, 0, 0, 255]);
    await putMask("train/masks/y.png", [0, 0, 0, 0]);
  });

  it("are two classes, and that is said", async () => {
    expect(await labelsOf(two)).toEqual([0, 0, 0, 1]);
    const dataset = await openDataset(describeData(two), "train");
    expect(await lookAtLabels(dataset)).toEqual([
      "masks of 0 and 255 alone: 255 is the class cat, as if data.ids={0: 0, 255: 1}",
    ]);
    const report = await checkDataset(dataset);
    expect(report).toMatchObject({ ignoredPixels: 0, emptyClasses: [], problems: [] });
    expect(formatCheckReport(report)).toContain("255 is the class cat");
  });

  it("are not where data.ids says so, or another id is among them", async () => {
    expect(await labelsOf({ ...two, ids: { 0: 0 } })).toEqual([0, 0, 0, IGNORE]);
    await putMask("train/masks/y.png", [0, 1, 0, 0]);
    expect(await labelsOf(two)).toEqual([0, 0, 0, IGNORE]);
  });

  it("are a problem of other classes", async () => {
    const { problems } = await checkDataset(await openDataset(describeData(), "train"));
    expect(problems).toEqual([expect.stringMatching(/^no pixel of: b, c; data\.ids .*\{0: 0, 255: 1\}/)]);
  });
});

describe("photographs that EXIF turns", () => {
  const stored = photo(6, 4);

  it("are read as their masks fit them, and `data check` says which", async () => {
    const turned = await put("train/images/a.jpg", await photographed(stored, 6));
    const lying = await put("train/images/b.jpg", await photographed(stored, 6));
    await putMask("train/masks/a.png", Array(24).fill(0), 4);
    await putMask("train/masks/b.png", Array(24).fill(1), 6);
    await put("train/images/c.jpg", await photographed(stored, 3));
    await putMask("train/masks/c.png", Array(24).fill(2), 6);
    const dataset = await openDataset(describeData(), "train");
    expect((await dataset.at(0)).image).toEqual(await upright(turned, 6));
    expect((await dataset.at(1)).image).toEqual(await readImage(lying));
    const report = await checkDataset(dataset);
    expect(report).toMatchObject({ turned: 1, lying: 1, problems: [] });
    expect(report.sizes).toEqual([
      { width: 6, height: 4, images: 2 },
      { width: 4, height: 6, images: 1 },
    ]);
    const text = formatCheckReport(report);
    expect(text).toContain("1 photograph turned as EXIF says");
    expect(text).toContain("1 photograph on the side, as the masks are");
  });

  it("are not turned without EXIF: a mask of swapped sides is an error", async () => {
    await put("train/images/b.jpg", await photographed(stored, 6));
    await putMask("train/masks/b.png", Array(4).fill(0), 2);
    await putImage("train/images/a.png", 6, 4);
    await putMask("train/masks/a.png", Array(24).fill(0), 4);
    await expect(labelsOf()).rejects.toThrow(/expected a mask of 4x6 as .*, found 6x4/);
    const report = await checkDataset(await openDataset(describeData({ classes: ["a", "b"], ids: { 0: 0 } }), "train"));
    expect(report).toMatchObject({ turned: 0, lying: 0 });
    expect(report.problems).toEqual([
      expect.stringContaining("a.png: expected a mask of 4x6"),
      expect.stringContaining("b.png: expected a mask of 4x6"),
      expect.stringContaining("no pixel of: b"),
    ]);
  });
});

describe("labels that would spoil a run", () => {
  const putLabels = async (name: string, ids: readonly number[]) => {
    await putImage(`train/images/${name}.png`);
    await putMask(`train/masks/${name}.png`, ids);
  };
  const notes = async (most?: number) => lookAtLabels(await openDataset(describeData(), "train"), { most });

  it("are told: classes that no mask shows, and what is ignored in their place", async () => {
    await putLabels("x", [0, 0, 255, 255]);
    await putLabels("y", [0, 0, 2, 255]);
    const expected = [
      expect.stringMatching(/^no pixel of: b; data\.ids .*\(37\.50 % of the pixels are ignored\).*data\.classes/),
    ];
    expect(await notes()).toEqual(expected);
    const { problems } = await checkDataset(await openDataset(describeData(), "train"));
    expect(problems).toEqual(expected);
  });

  it("are told when more than half is ignored, and not when some is", async () => {
    await putLabels("x", [0, 1, 2, 255]);
    expect(await notes()).toEqual([]);
    await putLabels("y", [1, 2, 255, 255]);
    expect(await notes()).toEqual([]);
    await putLabels("z", [255, 255, 255, 255]);
    const expected = [expect.stringMatching(/^58\.33 % of the pixels are ignored, .*data\.ids/)];
    expect(await notes()).toEqual(expected);
    expect((await checkDataset(await openDataset(describeData(), "train"))).problems).toEqual(expected);
  });

  it("are looked for until every class was seen", async () => {
    for (let i = 0; i < 40; i++) await putLabels(`${i}`, [0, 1, 2, 0]);
    const dataset = await openDataset(describeData(), "train");
    const read = new Set<PropertyKey>();
    const get = (pairs: DatasetSource["pairs"], key: PropertyKey) => {
      if (/^\d+$/.test(String(key))) read.add(key);
      return Reflect.get(pairs, key);
    };
    const source = { ...dataset.source, pairs: new Proxy(dataset.source.pairs, { get }) };
    expect(await lookAtLabels({ ...dataset, source })).toEqual([]);
    expect(read.size).toBe(32);
  });

  it("are looked for in so many pixels at most, and not in what cannot be read", async () => {
    await putLabels("x", [0, 0, 0, 0]);
    await putLabels("y", [0, 0, 0, 0]);
    expect(await notes(4)).toEqual([
      expect.stringMatching(/^no pixel of: b, c; .* \(in 1 of 2 masks; `pspnet data check` reads all\)$/),
    ]);
    for (const name of ["x", "y"]) await put(`train/masks/${name}.png`, "broken");
    expect(await notes()).toEqual([]);
  });
});

describe("samples without a mask", () => {
  const open = (given: Partial<DataConfig> = {}) => openDataset(describeData(given), "test", { labels: "optional" });

  it.each([
    ["folders", "test/images/"],
    ["folders", "images/test/"],
    ["camvid", "test/"],
    ["list", "in/"],
  ])("open in %s (%s), upright, where they are optional", async (format, place) => {
    const file = await put(`${place}x.jpg`, await photographed(photo(6, 4), 6));
    await put("photographs", `${place}x.jpg\n`);
    const split = format === "list" ? "photographs" : "test";
    const dataset = await openDataset(describeData({ format }), split, { labels: "optional" });
    const { image, label } = await dataset.at(0);
    expect(label).toBeNull();
    expect(image).toEqual(await upright(file, 6));
    const report = await checkDataset(dataset);
    expect(report).toMatchObject({ samples: 1, unlabelled: 1, problems: [] });
    expect(formatCheckReport(report)).toContain("1 image without a mask");
    // 6 wide and 4 high as stored, so upright 4 by 6, 40 times as large.
    expect(await readImage(await contactSheet(dataset, { count: 1 }))).toMatchObject({ width: 200 });
  });

  it("neither train nor score: the first are named, and where masks are expected", async () => {
    for (let i = 0; i < 7; i++) await putImage(`test/images/${i}.png`);
    await expect(openDataset(describeData({ format: "folders" }), "test")).rejects.toThrow(
      /expected test\/images and test\/masks, .*\n.*0\.png has no mask: it can be predicted.*\n(.*\n){4}and 2 more$/,
    );
    expect((await open({ format: "folders" })).length).toBe(7);
  });
});

test("`data check` reports missing masks with the rest, and goes on", async () => {
  await put("classes.json", JSON.stringify(["a", "b", "c"]));
  for (const split of ["train", "val"]) {
    await putImage(`${split}/images/good.png`);
    await putMask(`${split}/masks/good.png`, [0, 1, 2, 255]);
  }
  await putImage("train/images/alone.png");
  await putImage("train/images/high.png");
  await putMask("train/masks/high.png", [0, 0, 0, 9]);
  await putImage("test/images/new.png");
  const place = ["--out", join(root, "found")];
  const { code, out } = await pspnet(["data", "check", root, ...place]);
  expect(out).toMatch(
    /train\n[\s\S]*2 problems:\n.*alone\.png has no mask in .*\n.*high\.png: id 9[\s\S]*val\n[\s\S]*no problems/,
  );
  expect(code).toBe(1);
  await rm(join(root, "val"), { recursive: true });
  const half = await pspnet(["data", "check", root, ...place]);
  expect(half.out).toMatch(/alone\.png has no mask/);
  expect(half.err).toMatch(/expected a folder of images for the split "val", found none; .*data\.val=20%/);
  const unlabelled = await pspnet(["data", "check", root, "--split", "test", ...place]);
  expect(unlabelled.out).toMatch(/1 image without a mask[\s\S]*no problems/);
  expect(unlabelled.code).toBe(0);
});

test("`data check` reads the list files that are named, and says in JSON which dataset and splits it read", async () => {
  await put("classes.json", JSON.stringify(["a", "b", "c"]));
  await putImage("in/x.png");
  await putMask("in/x-mask.png", [0, 1, 2, 255]);
  for (const name of ["one", "two"]) await put(`lists/${name}.txt`, "in/x.png in/x-mask.png\n");
  const lists = ["--split", "lists/one.txt,lists/two.txt"];
  const { code, out } = await pspnet(["data", "check", root, ...lists, "--json"], { cwd: root });
  expect(code).toBe(0);
  const report = JSON.parse(out);
  expect(report.data).toBe(root);
  expect(Object.keys(report.splits)).toEqual(["lists/one.txt", "lists/two.txt"]);
  expect(report.splits["lists/one.txt"]).toMatchObject({ samples: 1, problems: [] });
  // Beside each other in a folder for what is made, none where the command was given.
  const made = join("runs", `check-${basename(root)}`);
  expect((await readdir(join(root, made))).sort()).toEqual(["check.json", "lists-one.png", "lists-two.png"]);
  expect((await readdir(root)).sort()).toEqual(["classes.json", "in", "lists", "runs"]);
  expect(report.splits["lists/two.txt"].sheet).toBe(join(made, "lists-two.png"));
  expect(JSON.parse(await readFile(join(root, made, "check.json"), "utf8"))).toEqual(report);
});

test("every format is named by help, by keys and by what refuses others", async () => {
  const names = "auto.*list.*camvid.*folders.*beside";
  expect((await pspnet(["data", "check", "--help"])).out).toMatch(RegExp(names, "s"));
  expect((await pspnet(["train", "--keys"])).out).toMatch(RegExp(`data\\.format .*${names}`));
  expect((await pspnet(["val", "w", "--data", root, "--format", "voc"])).err).toMatch(RegExp(names));
});

test("sharp's own upper-case and other extensions are images", async () => {
  const { data, width, height } = photo(4, 1);
  await put(
    "train/images/x.TIFF",
    await sharp(data, { raw: { width, height, channels: 3 } })
      .tiff()
      .toBuffer(),
  );
  await putMask("train/masks/x.PNG", [0, 1, 2, 0]);
  expect(await labelsOf()).toEqual([0, 1, 2, 0]);
});
