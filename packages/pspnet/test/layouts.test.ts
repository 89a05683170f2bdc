import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { openDataset } from "../src/data/dataset.js";
import type { DataConfig } from "../src/data/format.js";
import { recognise } from "../src/data/prepare/recognise.js";
import { encodePng } from "../src/files/png.js";
import { describeData, image, put, root } from "./support/dataFolder.js";
import { classNames, labels, prepared } from "./support/prepared.js";

// Folders of photographs and masks as people have them.

/** A picture of many colours, as photographs are. */
const photo = async (path: string) => put(path, await encodePng(image(16, 16)));
const mask = (path: string, id = 1) =>
  put(path, encode({ width: 16, height: 16, data: new Uint8Array(256).fill(id), channels: 1, depth: 8 }));

const open = (split: "train" | "val", given: Partial<DataConfig> = {}) => openDataset(describeData(given), split);
const names = async (split: "train" | "val", given: Partial<DataConfig> = {}) =>
  (await open(split, given)).source.pairs.map(({ mask }) => mask!.slice(root.length + 1).replaceAll("\\", "/"));

describe("layouts with splits", () => {
  it.each([
    ["train/images/#.jpg", "train/masks/#.png"],
    ["images/train/#.jpg", "masks/train/#.png"],
    ["images/train/#.jpg", "labels/train/#.png"],
    ["train/image/#.jpg", "train/label/#.png"],
    ["train/imgs/#.jpg", "train/masks/#_mask.png"],
    ["images/training/#.jpg", "annotations/training/#.png"],
    ["Train/Images/#.jpg", "Train/Labels/#.png"],
    ["train_images/#.jpg", "train_masks/#.png"],
    ["train/#.png", "train_labels/#_L.png"],
    ["train/#.jpg", "train/#.png"],
    ["train/#.jpg", "train/#_mask.png"],
    ["train/#.png", "train/#_mask.png"],
    ["train/photographs/#.png", "train/classes/#.png"],
    ["photographs/train/#.png", "classes/train/#.png"],
  ])("%s and %s", async (images, masks) => {
    const splits = { train: ["a", "b"], val: ["c"] };
    for (const [split, ids] of Object.entries(splits)) {
      const at = (template: string, id: string) =>
        template
          .replace("#", id)
          .replaceAll("train", split)
          .replace("valing", "validation")
          .replace("Train", split === "val" ? "Valid" : "Train");
      for (const id of ids) {
        await photo(at(images, id));
        await mask(at(masks, id));
      }
    }
    expect(await names("train")).toEqual([masks.replace("#", "a"), masks.replace("#", "b")]);
    expect(await names("val")).toHaveLength(1);
    expect((await (await open("train")).at(0)).label.data[0]).toBe(1);
    expect((await open("train")).source.notes).toEqual([]);
  });
});

describe("layouts without splits", () => {
  it.each([
    ["images/#.jpg", "masks/#.png"],
    ["image/#.jpg", "label/#.png"],
    ["imgs/#.jpg", "masks/#_mask.png"],
    ["JPEGImages/#.jpg", "SegmentationClass/#.png"],
    ["photographs/#.png", "what is where/#.png"],
    ["#.jpg", "#.png"],
    ["#.jpg", "#_mask.png"],
    ["#.png", "#-label.png"],
  ])("%s and %s: some samples are held out, the same each time", async (images, masks) => {
    for (let i = 0; i < 10; i++) {
      await photo(images.replace("#", `x${i}`));
      await mask(masks.replace("#", `x${i}`));
    }
    const [train, val] = [await names("train"), await names("val")];
    expect([train.length, val.length]).toEqual([8, 2]);
    expect(new Set([...train, ...val]).size).toBe(10);
    expect(await names("val")).toEqual(val);
    expect((await open("val")).source.notes).toEqual([
      "no splits there: 2 of 10 samples held out to validate on, by their names",
    ]);
    expect((await names("val", { val: "40%" })).length).toBe(4);
  });

  it("of one sample train on it; what has no partner is told", async () => {
    await photo("images/a.jpg");
    await mask("masks/a.png");
    expect((await names("train")).length).toBe(1);
    await photo("images/b.jpg");
    await expect(open("train")).rejects.toThrow(/b\.jpg has no mask in .*masks/);
  });

  it("whose masks are no PNG, or pair with nothing, say what mends it", async () => {
    await photo("images/a.jpg");
    await photo("masks/a.jpg");
    await expect(open("train")).rejects.toThrow(
      /masks: expected PNGs named as their images, found a\.jpg; save masks as PNG/,
    );
    await rm(join(root, "masks/a.jpg"));
    await mask("masks/b.png");
    await expect(open("train")).rejects.toThrow(/named as their images, found b\.png; .*may be lists/);
  });
});

describe("a share of the training split", () => {
  const tree = async () => {
    for (const id of "abcdefghij") {
      await photo(`train/images/${id}.jpg`);
      await mask(`train/masks/${id}.png`);
    }
  };

  it("is held out where data.val says so, whatever the format", async () => {
    await tree();
    await put("list.txt", [..."abcd"].map((id) => `train/images/${id}.jpg train/masks/${id}.png\n`).join(""));
    for (const [given, count] of [
      [{}, 3],
      [{ train: "list.txt" }, 1],
    ] as const) {
      const [train, val] = [
        await names("train", { ...given, val: "30%" }),
        await names("val", { ...given, val: "30%" }),
      ];
      expect(val).toHaveLength(count);
      expect(train.filter((name) => val.includes(name))).toEqual([]);
    }
  });

  it("is asked for where there is no split to validate on", async () => {
    await tree();
    expect(await names("train")).toHaveLength(10);
    await expect(open("val")).rejects.toThrow(/split "val", found none; .*data\.val=20%/);
    await expect(open("val", { val: "100%" })).rejects.toThrow(
      "data.val: expected more than 0% and less than 100%, found 100%",
    );
  });

  it("keeps nearly all of its samples when others are added", async () => {
    await tree();
    const before = await names("val", { val: "30%" });
    await photo("train/images/k.jpg");
    await mask("train/masks/k.png");
    const after = await names("val", { val: "30%" });
    expect(after.filter((name) => before.includes(name)).length).toBeGreaterThanOrEqual(before.length - 1);
  });
});

it("folders of other things are told the layouts", async () => {
  await mkdir(join(root, "a"));
  await photo("a/x.png");
  await expect(open("train")).rejects.toThrow(/expected .*\(folders\), x\.jpg beside x\.png .* \(beside\); found none/);
});

describe("data prepare folder", () => {
  const tree = async (masks: readonly Uint8Array[], channels: 1 | 3 = 1) => {
    for (const [i, data] of masks.entries()) {
      await photo(`photos/${i}.jpg`);
      const width = data.length / channels;
      await put(`photos/${i}.jpg`, await encodePng(image(width, 1)));
      await put(`masks/${i}.png`, encode({ width, height: 1, data, channels, depth: 8 }));
    }
  };
  const all = async (config: string) => ({ ...(await labels(config)), ...(await labels(config, "val")) });

  it.each<[string, number[], readonly string[], number[]]>([
    ["ids from 0, and 255", [0, 1, 2, 255], ["class 0", "class 1", "class 2"], [0, 1, 2, 255]],
    ["0 and 255 alone", [0, 0, 255, 0], ["background", "foreground"], [0, 0, 1, 0]],
    ["levels of grey", [0, 127, 255, 0], ["class 0", "class 1", "class 2"], [0, 1, 2, 0]],
  ])("finds classes of %s", async (_, ids, names, expected) => {
    await tree([Uint8Array.from(ids), Uint8Array.from(ids), Uint8Array.from(ids)]);
    const { config, problems, samples } = await prepared("folder");
    expect({ problems, samples }).toEqual({ problems: [], samples: { train: 2, val: 1 } });
    expect(await classNames(config)).toEqual(names);
    for (const read of Object.values(await all(config))) expect(read).toEqual(expected);
  });

  it.each<[Partial<DataConfig>, number[], readonly string[], number[]]>([
    [{ ignore: [3] }, [0, 1, 2, 3], ["class 0", "class 1", "class 2"], [0, 1, 2, 255]],
    [{ ignore: [0] }, [0, 1, 2, 3], ["class 0", "class 1", "class 2"], [255, 0, 1, 2]],
    [{ ignore: [0, "200-255"] }, [0, 100, 150, 201], ["class 0", "class 1"], [255, 0, 1, 255]],
    [{ ids: { "0-1": 0, 7: 1 } }, [0, 1, 7, 255], ["class 0", "class 1"], [0, 0, 1, 255]],
  ])("finds the classes that are left by %j", async (said, ids, names, expected) => {
    await tree([Uint8Array.from(ids), Uint8Array.from(ids)]);
    const { config, problems } = await prepared("folder", { said });
    expect(problems).toEqual([]);
    expect(await classNames(config)).toEqual(names);
    for (const read of Object.values(await all(config))) expect(read).toEqual(expected);
  });

  const colours = Uint8Array.of(0, 0, 0, 128, 0, 0, 0, 128, 0, 128, 0, 0);

  it("finds classes of colours, without a list of them, and takes the names of one", async () => {
    await tree([colours, colours], 3);
    const found = await prepared("folder");
    expect(await classNames(found.config)).toEqual(["#000000", "#008000", "#800000"]);
    for (const read of Object.values(await all(found.config))) expect(read).toEqual([0, 2, 1, 2]);
    await put("labelmap.txt", "# label:color_rgb:parts:actions\nbackground:0,0,0::\ncat:128,0,0::\ndog:0,128,0::\n");
    const { config } = await prepared("folder");
    expect(await classNames(config)).toEqual(["background", "cat", "dog"]);
    for (const read of Object.values(await all(config))) expect(read).toEqual([0, 1, 2, 1]);
  });

  it("keeps splits that are there, and writes a made one down", async () => {
    for (const split of ["train", "valid"]) {
      await photo(`${split}/images/a.jpg`);
      await put(
        `${split}/masks/a.png`,
        encode({ width: 16, height: 16, data: new Uint8Array(256).map((_, i) => i % 3), channels: 1, depth: 8 }),
      );
    }
    const { config, notes } = await prepared("folder");
    expect(notes).toEqual(["masks of ids 0 to 2", "splits as they are there"]);
    expect(Object.keys(await labels(config, "val"))).toEqual(["valid/images/a.jpg"]);
  });

  it("refuses masks that hold photographs, or nothing to tell apart", async () => {
    await tree([new Uint8Array(3 * 400).map((_, i) => (i * 7919) % 256)], 3);
    await expect(prepared("folder")).rejects.toThrow(/masks.0\.png: expected a mask of at most 255 colours/);
    await tree([new Uint8Array(4)]);
    await expect(prepared("folder")).rejects.toThrow("expected masks of at least 2 classes, found class 0 in all");
  });
});

describe("recognise", () => {
  it.each<[string, readonly (readonly [string, string | null])[]]>([
    [
      "ade20k",
      [
        ["ADEChallengeData2016/images/training/ADE_train_00000001.jpg", null],
        ["ADEChallengeData2016/annotations/training/ADE_train_00000001.png", ""],
      ],
    ],
    [
      "voc2012",
      [
        ["VOCdevkit/VOC2012/JPEGImages/2007_000032.jpg", null],
        ["VOCdevkit/VOC2012/SegmentationClass/2007_000032.png", ""],
        ["VOCdevkit/VOC2012/ImageSets/Segmentation/train.txt", "2007_000032"],
      ],
    ],
    [
      // As programs export other photographs in VOC's layout.
      "folder",
      [
        ["JPEGImages/a.jpg", null],
        ["SegmentationClass/a.png", ""],
        ["ImageSets/Segmentation/train.txt", "a"],
      ],
    ],
    [
      "cityscapes",
      [
        ["leftImg8bit/train/ulm/ulm_000000_000019_leftImg8bit.png", ""],
        ["gtFine/train/ulm/ulm_000000_000019_gtFine_labelIds.png", ""],
      ],
    ],
    [
      "folder",
      [
        ["images/a.jpg", null],
        ["masks/a.png", null],
      ],
    ],
    [
      "labelme",
      [
        ["a.jpg", null],
        ["a.json", '{"shapes": [], "imagePath": "a.jpg"}'],
      ],
    ],
    [
      "coco",
      [
        ["images/a.jpg", null],
        ["annotations/x.json", '{"images": [], "annotations": [], "categories": []}'],
      ],
    ],
    [
      "cvat",
      [
        ["images/a.jpg", null],
        ["annotations.xml", "<annotations/>"],
      ],
    ],
    [
      "ultralytics",
      [
        ["train/images/a.jpg", null],
        ["data.yaml", "train: train/images\nval: train/images\nnames: [a, b]\n"],
      ],
    ],
  ])("%s", async (name, files) => {
    for (const [path, content] of files) await (content === null ? photo(path) : put(path, content));
    expect((await recognise(root))?.name).toBe(name);
  });

  it("nothing", async () => {
    await photo("a.jpg");
    expect(await recognise(root)).toBeNull();
  });
});
