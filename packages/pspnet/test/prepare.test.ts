import { existsSync } from "node:fs";
import { cp, mkdir, readFile, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { IGNORE, type Rgb, VOC2012 } from "@pspnet/core";
import { encode } from "fast-png";
import { describe, expect, it, test } from "vitest";
import { loadTrainConfig } from "../src/config/load.js";
import { openDataset } from "../src/data/dataset.js";
import { PREPARATIONS } from "../src/data/prepare/preparations.js";
import { prepare } from "../src/data/prepare/prepare.js";
import { readMat } from "../src/files/mat.js";
import { encodeMask, encodePng } from "../src/files/png.js";
import { pspnet } from "./support/cli.js";
import { image, put, root } from "./support/dataFolder.js";
import { labels, prepared } from "./support/prepared.js";

// Published datasets as trees of a few tiny files, with their usual faults, and what training then reads of them.

const golden = fileURLToPath(new URL("golden/mat/", import.meta.url));
const samples = fileURLToPath(new URL("../../../../shared/data/", import.meta.url));

const photo = async (path: string, width = 4, height = 1) => put(path, await encodePng(image(width, height)));
const grey = (path: string, ids: readonly number[], width = ids.length) =>
  put(path, encode({ width, height: ids.length / width, data: Uint8Array.from(ids), channels: 1, depth: 8 }));
const rgb = (path: string, colours: readonly Rgb[]) =>
  put(path, encode({ width: colours.length, height: 1, data: Uint8Array.from(colours.flat()), channels: 3, depth: 8 }));

describe("ade20k", () => {
  const tree = async (train: readonly number[], val: readonly number[]) => {
    for (const [split, name, ids] of [
      ["training", "ADE_train_00000001", train],
      ["validation", "ADE_val_00000001", val],
    ] as const) {
      await photo(`ADEChallengeData2016/images/${split}/${name}.jpg`);
      await grey(`ADEChallengeData2016/annotations/${split}/${name}.png`, ids);
    }
  };

  it("as published: 0 is none, 1 to 150 the classes", async () => {
    await tree([0, 1, 2, 150], [3, 3, 3, 3]);
    const { config, problems, samples } = await prepared("ade20k");
    expect({ problems, samples }).toEqual({ problems: [], samples: { train: 1, val: 1 } });
    expect(Object.values(await labels(config))).toEqual([[IGNORE, 0, 1, 149]]);
    expect(Object.values(await labels(config, "val"))).toEqual([[2, 2, 2, 2]]);
    expect(await loadTrainConfig(config, [], ".")).toMatchObject({ name: "ade20k", crop: 473, epochs: 100, batch: 16 });
  });

  it("as converted for other programs", async () => {
    await tree([255, 0, 1, 149], [2, 2, 2, 2]);
    const { config, notes } = await prepared("ade20k");
    expect(notes).toEqual(["masks converted before: 0 to 149, 255"]);
    expect(Object.values(await labels(config))).toEqual([[IGNORE, 0, 1, 149]]);
  });

  it("of both kinds is refused", async () => {
    await tree([0, 1, 2, 150], [255, 0, 1, 149]);
    await expect(prepared("ade20k")).rejects.toThrow(/expected masks of one kind, .*150.*255/);
  });

  it("names what is missing, and the number that was published", async () => {
    await tree([0, 1, 2, 3], [1, 1, 1, 1]);
    await rm(join(root, "ADEChallengeData2016/annotations/training/ADE_train_00000001.png"));
    await photo("ADEChallengeData2016/images/training/ADE_train_00000002.jpg");
    await grey("ADEChallengeData2016/annotations/training/ADE_train_00000002.png", [1, 2, 3, 4]);
    await grey("ADEChallengeData2016/annotations/training/ADE_train_00000003.png", [1, 2, 3, 4]);
    const { code, out } = await pspnet(["data", "prepare", "ade20k", root]);
    expect(code).toBe(1);
    expect(out).toMatch(/^ade20k: train 1, val 1\n/);
    expect(out).toMatch(/train: expected 20210 samples, as published, found 1/);
    expect(out).toMatch(/ADE_train_00000001\.jpg has no mask in .*annotations/);
    expect(out).toMatch(/ADE_train_00000003\.png has no image in .*images/);
    expect(out).toMatch(/npx pspnet train .*ade20k\.yaml/);
  });

  it("of another kind is told what was expected", async () => {
    await mkdir(join(root, "images"));
    await expect(prepared("ade20k")).rejects.toThrow(/expected images and annotations in it, found images alone/);
    await mkdir(join(root, "annotations"));
    await expect(prepared("ade20k")).rejects.toThrow(/expected images\/\{training,validation\}.*, found no sample/);
  });
});

describe("voc2012", () => {
  const voc = (id: string) => `VOCdevkit/VOC2012/JPEGImages/${id}.jpg`;
  const sbd = (id: string) => `benchmark_RELEASE/dataset/cls/${id}.mat`;
  const sets = async (train: readonly string[], val: readonly string[]) => {
    const folder = "VOCdevkit/VOC2012/ImageSets/Segmentation";
    await put(`${folder}/train.txt`, `${train.join("\n")}\n`);
    await put(`${folder}/val.txt`, val.join("\r\n"));
  };
  const own = async (id: string, ids: readonly number[]) => {
    await photo(voc(id));
    const data = Uint8Array.from(ids);
    await put(
      `VOCdevkit/VOC2012/SegmentationClass/${id}.png`,
      encodeMask({ width: 4, height: 1, data }, VOC2012.palette),
    );
  };
  const theirs = async (id: string) => {
    await photo(voc(id), 4, 3);
    await put(sbd(id), await readFile(join(golden, "sbd.mat")));
  };
  const SBD = [0, 0, 15, 15, 0, 8, 8, 15, 20, 20, 8, 0];

  it("trains on its own masks and those of SBD, but for what it validates on", async () => {
    await sets(["2007_1", "2007_2"], ["2007_3"]);
    await own("2007_1", [0, 1, 20, 255]);
    await own("2007_2", [0, 0, 0, 0]);
    await own("2007_3", [5, 5, 5, 5]);
    for (const id of ["2007_2", "2007_3", "2008_9"]) await theirs(id);
    await photo(voc("2007_2"));
    await photo(voc("2007_3"));
    const { config, problems, samples } = await prepared("voc2012");
    expect({ problems, samples }).toEqual({ problems: [], samples: { train: 3, val: 1 } });
    const train = await labels(config);
    expect(Object.values(train)).toEqual([[0, 1, 20, IGNORE], [0, 0, 0, 0], SBD]);
    expect(await labels(config, "val")).toEqual({ [voc("2007_3")]: [5, 5, 5, 5] });
  });

  it("finds SBD where it is told, or as PNGs that were made of it, and says what it trains on without", async () => {
    await sets(["a"], ["b"]);
    for (const id of ["a", "b"]) await own(id, [0, 1, 2, 3]);
    expect((await prepared("voc2012")).notes.join()).toContain("no annotations of SBD");
    await theirs("c");
    await cp(join(root, "benchmark_RELEASE"), join(root, "elsewhere/sbd"), { recursive: true });
    await rm(join(root, "benchmark_RELEASE"), { recursive: true });
    expect((await prepared("voc2012")).samples.train).toBe(1);
    expect((await prepared("voc2012", { also: { sbd: join(root, "elsewhere/sbd") } })).samples.train).toBe(2);
    await grey("VOCdevkit/VOC2012/SegmentationClassAug/c.png", [7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 255], 4);
    const { config } = await prepared("voc2012");
    expect(Object.values(await labels(config))[1]).toEqual([7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, IGNORE]);
  });

  it("names what its lists lack and what of SBD is broken, and goes on", async () => {
    await sets(["a", "gone"], ["b"]);
    for (const id of ["a", "b"]) await own(id, [0, 1, 2, 3]);
    for (const id of ["c", "d", "e"]) await theirs(id);
    await put(sbd("c"), "no MATLAB");
    await put(sbd("d"), (await readFile(join(golden, "sbd.mat"))).subarray(0, 200));
    const { problems, samples } = await prepared("voc2012");
    expect(samples).toEqual({ train: 2, val: 1 });
    expect(problems).toEqual([
      expect.stringContaining("train.txt names gone"),
      expect.stringMatching(/c\.mat: expected a MATLAB file .* found another format/),
      expect.stringMatching(/d\.mat: .*broken or cut off/),
    ]);
  });

  it("reads masks whose palette was turned into colours, and tells of one that was lost", async () => {
    await sets(["a"], ["b"]);
    for (const id of ["a", "b"]) await own(id, [0, 0, 0, 0]);
    const [background, aeroplane] = VOC2012.palette;
    await rgb("VOCdevkit/VOC2012/SegmentationClass/a.png", [background, aeroplane, [224, 224, 192], background]);
    const { config, problems } = await prepared("voc2012");
    expect(problems).toEqual([]);
    expect(Object.values(await labels(config))).toEqual([[0, 1, IGNORE, 0]]);
    await grey("VOCdevkit/VOC2012/SegmentationClass/a.png", [0, 38, 220, 0]);
    expect((await prepared("voc2012")).problems).toEqual([
      expect.stringMatching(/a\.png: expected ids 0 to 20.*found 38, 220/),
    ]);
  });

  it("goes on where it was: what was made stays, what is newer is made again", async () => {
    await sets(["a"], ["b"]);
    for (const id of ["a", "b"]) await own(id, [0, 1, 2, 3]);
    for (const id of ["c", "d"]) await theirs(id);
    const signal = AbortSignal.abort(new Error("stopped"));
    const preparation = PREPARATIONS.find(({ name }) => name === "voc2012")!;
    await expect(prepare(preparation, { folder: root, signal })).rejects.toThrow("stopped");
    await prepared("voc2012");
    const [c, d] = ["c", "d"].map((id) => join(root, `pspnet/masks/${id}.png`));
    const before = await Promise.all([c, d].map(async (file) => (await stat(file)).mtimeMs));
    const later = new Date(Date.now() + 60_000);
    await utimes(join(root, sbd("d")), later, later);
    await prepared("voc2012");
    const after = await Promise.all([c, d].map(async (file) => (await stat(file)).mtimeMs));
    expect(after[0]).toBe(before[0]);
    expect(after[1]).toBeGreaterThan(before[1]);
  });
});

describe("cityscapes", () => {
  const frame = (split: string, city: string) => `leftImg8bit/${split}/${city}/${city}_000000_000001_leftImg8bit.png`;
  const mask = (split: string, city: string, kind: string, annotation = "gtFine") =>
    `${annotation}/${split}/${city}/${city}_000000_000001_${annotation}_${kind}.png`;

  it("maps label ids to train ids as it reads them, with the coarse ones and the test images in lists of their own", async () => {
    for (const [split, city] of [
      ["train", "aachen"],
      ["val", "munster"],
      ["test", "berlin"],
      ["train_extra", "bayreuth"],
    ])
      await photo(frame(split, city));
    await grey(mask("train", "aachen", "labelIds"), [7, 8, 0, 33]);
    await grey(mask("train", "aachen", "labelTrainIds"), [0, 1, 255, 18]);
    await grey(mask("val", "munster", "labelIds"), [11, 31, 34 - 4, 255]);
    await grey(mask("train_extra", "bayreuth", "labelIds", "gtCoarse"), [24, 24, 29, 3]);
    await grey(mask("train", "aachen", "labelIds", "gtCoarse"), [0, 0, 0, 0]);
    const { config, problems, samples } = await prepared("cityscapes");
    expect({ problems, samples }).toEqual({
      problems: [],
      samples: { train: 1, val: 1, test: 1, train_fine_coarse: 2 },
    });
    expect(Object.values(await labels(config))).toEqual([[0, 1, IGNORE, 18]]);
    expect(Object.values(await labels(config, "val"))).toEqual([[2, 16, IGNORE, IGNORE]]);
    expect(Object.values(await labels(config, "pspnet/train_fine_coarse.txt"))[1]).toEqual([11, 11, IGNORE, IGNORE]);
    expect(await readFile(join(root, "pspnet/test.txt"), "utf8")).toBe(`${frame("test", "berlin")}\n`);
  });

  it("takes masks of train ids, or of colours, where there are no others", async () => {
    await photo(frame("train", "aachen"));
    await rgb(mask("train", "aachen", "color"), [
      [128, 64, 128],
      [0, 0, 0],
      [250, 170, 160],
      [119, 11, 32],
    ]);
    const colours = await prepared("cityscapes");
    expect(Object.values(await labels(colours.config))).toEqual([[0, IGNORE, IGNORE, 18]]);
    await grey(mask("train", "aachen", "labelTrainIds"), [0, 1, 255, 18]);
    const { config, notes } = await prepared("cityscapes");
    expect(notes).toContain("masks of train ids");
    expect(Object.values(await labels(config))).toEqual([[0, 1, IGNORE, 18]]);
  });

  it("names a frame without a mask, and a mask of 16 bits with ids that are none", async () => {
    for (const city of ["aachen", "bochum"]) await photo(frame("train", city));
    const wide = encode({ width: 4, height: 1, data: Uint16Array.of(7, 8, 26001, 0), channels: 1, depth: 16 });
    await put(mask("train", "aachen", "labelIds"), wide);
    const { problems } = await prepared("cityscapes");
    expect(problems).toEqual([
      expect.stringContaining("bochum_000000_000001_leftImg8bit.png has no mask"),
      expect.stringContaining("found 26001 in a 16-bit mask"),
    ]);
  });
});

describe("camvid", () => {
  const tree = async (ids: readonly number[], masks = "annot") => {
    for (const split of ["train", "val"]) {
      await photo(`${split}/0001.png`);
      await grey(`${split}${masks}/0001.png`, ids);
    }
  };

  it.each([
    ["camvid", [3, 3, 5, 11], [3, 3, 5, IGNORE]],
    ["camvid-semseg", [5, 5, 3, 11], [5, 5, 3, IGNORE]],
  ])("in the order of %s, which the share of road tells", async (classes, ids, expected) => {
    await tree(ids);
    const { config, problems } = await prepared("camvid");
    expect(problems).toEqual([]);
    expect((await loadTrainConfig(config, [], ".")).data.classes).toBe(classes);
    expect(Object.values(await labels(config))).toEqual([expected]);
  });

  it("merges the colours of the 32 labels", async () => {
    await photo("train/0001.png");
    await photo("val/0001.png");
    const colours: Rgb[] = [
      [0, 0, 0],
      [64, 192, 0],
      [128, 0, 192],
      [192, 0, 192],
    ];
    await rgb("train_labels/0001_L.png", colours);
    await rgb("val_labels/0001_L.png", colours);
    const { config, problems } = await prepared("camvid");
    expect(problems).toEqual([]);
    expect(Object.values(await labels(config))).toEqual([[IGNORE, 1, 3, 10]]);
  });

  it("as first published is split, the same way each time", async () => {
    for (let i = 0; i < 10; i++) {
      await photo(`701_StillsRaw_full/${i}.png`);
      await rgb(`LabeledApproved_full/${i}_L.png`, [
        [128, 128, 128],
        [0, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
      ]);
    }
    const { samples, config } = await prepared("camvid");
    expect(samples).toEqual({ train: 8, val: 2 });
    const held = Object.keys(await labels(config, "val"));
    await photo("701_StillsRaw_full/new.png");
    await rgb("LabeledApproved_full/new_L.png", [
      [128, 128, 128],
      [0, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ]);
    await prepared("camvid");
    expect(
      Object.keys(await labels(config, "val")).filter((id) => id !== "701_StillsRaw_full/new.png").length,
    ).toBeGreaterThan(0);
    expect(held).toHaveLength(2);
  });
});

describe("where it writes", () => {
  const tree = async () => {
    for (const split of ["train", "val"]) {
      await photo(`in/${split}/a b.png`);
      await grey(`in/${split}annot/a b.png`, [3, 3, 5, 11]);
    }
  };
  const there = () => ({ folder: join(root, "in"), out: join(root, "out") });

  it("is a folder of its own: what others put there is never touched", async () => {
    await tree();
    await put("out/notes.txt", "mine");
    await expect(prepared("camvid", there())).rejects.toThrow(
      /out: expected an empty folder for camvid, found notes\.txt; .*--out/,
    );
    expect(await readFile(join(root, "out/notes.txt"), "utf8")).toBe("mine");
    await rm(join(root, "out/notes.txt"));
    await prepared("camvid", there());
    await expect(prepared("ade20k", there())).rejects.toThrow(/found what was made of .*in \(camvid\)/);
  });

  it("keeps a text that was changed, and says so; paths may hold spaces", async () => {
    await tree();
    const { config } = await prepared("camvid", there());
    expect(Object.values(await labels(config))).toEqual([[3, 3, 5, IGNORE]]);
    const changed = (await readFile(config, "utf8")).replace("name: camvid", "name: mine");
    await put("out/camvid.yaml", changed);
    await photo("in/train/c.png");
    await grey("in/trainannot/c.png", [3, 3, 5, 11]);
    const again = await prepared("camvid", there());
    expect(again.notes.join()).toMatch(/camvid\.yaml was changed by hand and stays/);
    expect(await readFile(config, "utf8")).toBe(changed);
    expect(Object.keys(await labels(config))).toHaveLength(2);
  });
});

test("the command says what it knows, and refuses what it does not", async () => {
  const { out } = await pspnet(["data", "prepare", "--help"]);
  for (const { name, title } of PREPARATIONS) expect(out).toContain(`${name.padEnd(16)}${title}`);
  const { code, err } = await pspnet(["data", "prepare", "imagenet", root]);
  expect(code).not.toBe(0);
  expect(err).toContain("ade20k, voc2012, cityscapes");
});

describe("readMat", () => {
  const read = async (name: string, at: readonly string[]) =>
    readMat(await readFile(join(golden, name)), { at, path: name });

  it.each(["sbd.mat", "sbd-plain.mat"])("reads a field of a struct: %s", async (name) => {
    const { rows, columns, values } = await read(name, ["GTcls", "Segmentation"]);
    expect([rows, columns, ...values]).toEqual([3, 4, 0, 0, 20, 0, 8, 20, 15, 8, 8, 15, 15, 0]);
  });

  it.each(["context.mat", "double.mat"])("reads a variable of 16 bits or of doubles: %s", async (name) => {
    expect([...(await read(name, ["LabelMap"])).values].slice(0, 3)).toEqual([2, 2, 459]);
  });

  it("says what it did not find", async () => {
    await expect(read("sbd.mat", ["LabelMap"])).rejects.toThrow('found no variable "LabelMap"');
    await expect(read("sbd.mat", ["GTcls", "Labels"])).rejects.toThrow('found no field "Labels"');
    await expect(read("sbd.mat", ["GTcls", "Boundaries"])).rejects.toThrow("found no full matrix of numbers");
    const bytes = new Uint8Array(200);
    bytes.set(new TextEncoder().encode("MATLAB 7.3 MAT-file"));
    expect(() => readMat(bytes, { at: ["x"], path: "x.mat" })).toThrow(/7\.3 \(HDF5\); save it with -v7/);
  });

  it("never crashes on a damaged file", async () => {
    const whole = await readFile(join(golden, "sbd-plain.mat"));
    for (let at = 0; at < whole.length; at += 7) {
      for (const damaged of [whole.subarray(0, at), whole.with(at, 255)]) {
        try {
          readMat(damaged, { at: ["GTcls", "Segmentation"], path: "x.mat" });
        } catch (error) {
          expect(error).toMatchObject({ code: "data" });
        }
      }
    }
  });
});

describe.skipIf(!existsSync(samples))("real samples (skipped where ../shared/data is absent)", () => {
  it.each([
    ["ade20k", "samples/ade20k", { train: 0, val: 3 }, "val", 150],
    ["voc2012", "samples/voc2012", { train: 2, val: 1 }, "train", 21],
    ["cityscapes", "samples/cityscapes", { train: 0, val: 1 }, "val", 19],
    ["camvid", "camvid", { train: 367, val: 101 }, "val", 11],
  ])("%s", async (name, place, expected, split, classes) => {
    const { config, samples: found } = await prepared(name, { folder: join(samples, place), out: join(root, "out") });
    expect(found).toEqual(expected);
    const { data } = await loadTrainConfig(config, [], ".");
    const dataset = await openDataset(data, split);
    const { label } = await dataset.at(0);
    const ids = new Set(label.data);
    ids.delete(IGNORE);
    expect(ids.size).toBeGreaterThan(1);
    expect(Math.max(...ids)).toBeLessThan(classes);
  });
});
