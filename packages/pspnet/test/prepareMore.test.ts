import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { IGNORE, type Rgb } from "@pspnet/core";
import { encode } from "fast-png";
import { describe, expect, it } from "vitest";
import { encodePng } from "../src/files/png.js";
import { image, put, root } from "./support/dataFolder.js";
import { classNames, labels, prepared } from "./support/prepared.js";

// Pascal Context, COCO's label maps and panoptic PNGs, and Ultralytics' YAML, as trees of a few tiny files.

const golden = fileURLToPath(new URL("golden/mat/", import.meta.url));
const photo = async (path: string, width = 4, height = 1) => put(path, await encodePng(image(width, height)));
const grey = (path: string, ids: readonly number[], width = ids.length) =>
  put(path, encode({ width, height: ids.length / width, data: Uint8Array.from(ids), channels: 1, depth: 8 }));
const rgb = (path: string, colours: readonly Rgb[]) =>
  put(path, encode({ width: colours.length, height: 1, data: Uint8Array.from(colours.flat()), channels: 3, depth: 8 }));

describe("pascal-context", () => {
  const sets = async (kind: string) => {
    await put(`VOCdevkit/VOC2010/ImageSets/${kind}/train.txt`, "a\nunlabelled\n");
    await put(`VOCdevkit/VOC2010/ImageSets/${kind}/val.txt`, "b\n");
  };

  it("makes masks of 59 classes of the label maps as published", async () => {
    await sets("Main");
    for (const id of ["a", "b", "unlabelled"]) await photo(`VOCdevkit/VOC2010/JPEGImages/${id}.jpg`, 4, 3);
    await put("VOCdevkit/VOC2010/trainval/a.mat", await readFile(join(golden, "context.mat")));
    await put("VOCdevkit/VOC2010/trainval/b.mat", await readFile(join(golden, "double.mat")));
    await put("VOCdevkit/VOC2010/trainval/labels.txt", "1: accordion\n2: aeroplane\n9: bag\n284: person\n459: wool\n");
    const { config, problems, samples } = await prepared("pascal-context");
    expect(samples).toEqual({ train: 1, val: 1 });
    expect(problems).toEqual([expect.stringMatching(/^labels\.txt lacks bed, bedclothes/)]);
    const names = await classNames(config);
    expect(names).toHaveLength(59);
    const person = names.indexOf("person");
    const expected = [0, 0, 1, person, 0, 1, 1, person, IGNORE, IGNORE, IGNORE, IGNORE];
    expect(Object.values(await labels(config))).toEqual([expected]);
    expect(Object.values(await labels(config, "val"))).toEqual([expected]);
  });

  it.each([
    ["0 for none", [0, 1, 59, 2], [IGNORE, 0, 58, 1]],
    ["255 for none", [255, 0, 58, 1], [IGNORE, 0, 58, 1]],
  ])("reads PNGs with %s", async (_, ids, expected) => {
    await sets("SegmentationContext");
    for (const id of ["a", "b"]) {
      await photo(`VOCdevkit/VOC2010/JPEGImages/${id}.jpg`);
      await grey(`VOCdevkit/VOC2010/SegmentationClassContext/${id}.png`, ids);
    }
    const { config, problems } = await prepared("pascal-context");
    expect(problems).toEqual([]);
    expect(Object.values(await labels(config))).toEqual([expected]);
    await rm(join(root, "VOCdevkit/VOC2010/ImageSets"), { recursive: true });
    await expect(prepared("pascal-context")).rejects.toThrow(
      /ImageSets\/SegmentationContext\/train\.txt and .* are missing/,
    );
  });
});

describe("coco-stuff", () => {
  const tree = async (ids: readonly number[], end = "") => {
    for (const split of ["train", "val"]) {
      await photo(`images/${split}2017/000000000009.jpg`);
      await grey(`stuffthingmaps/${split}2017/000000000009${end}.png`, ids);
    }
  };

  it("counts the 171 classes that its 182 labels leave", async () => {
    await tree([0, 12, 181, 255]);
    const { config, problems } = await prepared("coco-stuff");
    expect(problems).toEqual([]);
    const names = await classNames(config);
    expect([names.length, names[0], names[11], names[170]]).toEqual([171, "person", "stop sign", "wood"]);
    expect(Object.values(await labels(config))).toEqual([[0, 11, 170, IGNORE]]);
  });

  it("reads masks that were converted before", async () => {
    await tree([0, 11, 170, 255], "_labelTrainIds");
    const { config, problems } = await prepared("coco-stuff");
    expect(problems).toEqual([]);
    expect(Object.values(await labels(config))).toEqual([[0, 11, 170, IGNORE]]);
  });
});

describe("coco-panoptic", () => {
  const tree = async () => {
    for (const split of ["train", "val"]) {
      await photo(`${split}2017/7.png`);
      await rgb(`annotations/panoptic_${split}2017/7.png`, [
        [0, 0, 0],
        [5, 1, 0],
        [5, 1, 2],
        [9, 0, 0],
      ]);
      const segments_info = [
        { id: 261, category_id: 18 },
        { id: 261 + 131072, category_id: 200 },
      ];
      await put(
        `annotations/panoptic_${split}2017.json`,
        JSON.stringify({
          images: [{ id: 7, file_name: "7.png" }, ...(split === "val" ? [{ id: 8, file_name: "8.png" }] : [])],
          annotations: [
            { image_id: 7, file_name: "7.png", segments_info },
            ...(split === "val" ? [{ image_id: 8, file_name: "8.png", segments_info }] : []),
          ],
          categories: [
            { id: 18, name: "dog", isthing: 1 },
            { id: 200, name: "rug-merged", isthing: 0 },
          ],
        }),
      );
    }
  };

  it("turns numbers of segments into their categories, and names what is not there", async () => {
    await tree();
    const { config, problems, samples } = await prepared("coco-panoptic");
    expect(samples).toEqual({ train: 1, val: 1 });
    expect(problems).toEqual([
      expect.stringContaining("names 8.png, which is nowhere"),
      expect.stringContaining("names 8.png, which is not in"),
    ]);
    expect(await classNames(config)).toEqual(["dog", "rug-merged"]);
    const train = await labels(config);
    expect(train).toEqual({ "train2017/7.png": [IGNORE, 0, 1, IGNORE] });
  });
});

describe("ultralytics", () => {
  it("reads masks with their mapping", async () => {
    for (const split of ["train", "val"]) {
      await photo(`set/images/${split}/x.png`);
      await grey(`set/masks/${split}/x.png`, [7, 8, 0, 255]);
    }
    await put(
      "set/data.yaml",
      "path: set\ntrain: images/train\nval: images/val\nmasks_dir: masks\nnames: {0: road, 1: sidewalk}\nlabel_mapping: {-1: ignore_label, 0: ignore_label, 7: 0, 8: 1}\n",
    );
    const { config, problems } = await prepared("ultralytics", { folder: join(root, "set") });
    expect(problems).toEqual([]);
    expect(await classNames(config)).toEqual(["road", "sidewalk"]);
    expect(await labels(config)).toEqual({ "images/train/x.png": [0, 1, IGNORE, IGNORE] });
    await rm(join(root, "set/masks/val/x.png"));
    const lacking = await prepared("ultralytics", { folder: join(root, "set") });
    expect(lacking.problems).toEqual([expect.stringContaining("x.png has no mask")]);
  });

  it("draws polygons, small ones over large ones, on a background", async () => {
    for (const name of ["a", "b"]) await photo(`train/images/${name}.png`, 4, 2);
    await photo("valid/images/c.png", 4, 2);
    await put("train/labels/a.txt", "1 0.5 0 1 0 1 0.5 0.5 0.5\n0 0 0 1 0 1 1 0 1\n");
    await put("train/labels/b.txt", "2 0 0 1 0 1 1\n");
    await put("data.yaml", "train: ../train/images\nval: ../valid/images\nnc: 2\nnames: [cat, dog]\n");
    const { config, problems, samples } = await prepared("ultralytics");
    expect(samples).toEqual({ train: 1, val: 1 });
    expect(problems).toEqual([expect.stringMatching(/b\.txt:1: expected a class from 0 to 1 .*found 2 0 0/)]);
    expect(await classNames(config)).toEqual(["background", "cat", "dog"]);
    expect(await labels(config)).toEqual({ "train/images/a.png": [1, 1, 2, 2, 1, 1, 1, 1] });
    expect(Object.values(await labels(config, "val"))).toEqual([Array(8).fill(0)]);
  });

  it("says what it did not find", async () => {
    await put("other.yaml", "a: [");
    await expect(prepared("ultralytics")).rejects.toThrow(
      "expected a YAML file with train, val and names in it, found none",
    );
  });
});
