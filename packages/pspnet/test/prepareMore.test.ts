import { readFile, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { IGNORE, type Rgb, random } from "@pspnet/core";
import { decode, encode } from "fast-png";
import { checkDataset, loadTrainConfig, openDataset, readSafetensors, train } from "pspnet";
import { describe, expect, it } from "vitest";
import { readImage } from "../src/data/images.js";
import { readNifti } from "../src/files/nifti.js";
import { encodePng } from "../src/files/png.js";
import { image, put, root } from "./support/dataFolder.js";
import { classNames, labels, prepared } from "./support/prepared.js";

// Pascal Context, COCO's label maps and panoptic PNGs, Ultralytics' YAML and BraTS' volumes, as trees of a few tiny files.

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

describe("readNifti", () => {
  const volumes = fileURLToPath(new URL("golden/nifti/", import.meta.url));
  const expected = Array.from(
    { length: 24 },
    (_, i) => (i % 4) + 10 * (Math.floor(i / 4) % 3) + 100 * Math.floor(i / 12),
  );
  const read = async (name: string) => readNifti(await readFile(join(volumes, name)), name);

  it.each(["int16.nii.gz", "float32.nii", "big-endian.nii.gz"])("reads what nibabel wrote: %s", async (name) => {
    const { sides, values } = await read(name);
    expect(sides).toEqual([4, 3, 2]);
    expect([...values]).toEqual(expected);
  });

  it("scales numbers as the header says", async () => {
    const { values } = await read("scaled.nii.gz");
    // Bytes of a range of 62: half a step is 0.12.
    for (const [i, value] of values.entries()) expect(Math.abs(value - (expected[i] / 2 - 3))).toBeLessThan(0.13);
  });

  it("never crashes on a damaged file", async () => {
    const whole = await readFile(join(volumes, "float32.nii"));
    for (let at = 0; at < whole.length; at += 3) {
      for (const damaged of [whole.subarray(0, at), whole.with(at, 200)]) {
        try {
          readNifti(damaged, "x.nii");
        } catch (error) {
          expect(error).toMatchObject({ code: "data" });
        }
      }
    }
  });
});

describe("brats2017", () => {
  /** A volume of bytes. */
  const nifti = (values: readonly number[], sides: readonly [number, number, number]) => {
    const bytes = Buffer.alloc(352 + values.length);
    bytes.writeInt32LE(348, 0);
    for (const [i, side] of [3, ...sides, 1, 1, 1, 1].entries()) bytes.writeInt16LE(side, 40 + 2 * i);
    bytes.writeInt16LE(2, 70);
    bytes.writeFloatLE(352, 108);
    bytes.write("n+1", 344, "latin1");
    bytes.set(values, 352);
    return gzipSync(bytes);
  };
  const patient = async (id: string, without: readonly string[] = []) => {
    const volumes: Record<string, readonly number[]> = {
      // Two slices of 2x2; the first shows no brain.
      t1: [0, 0, 0, 0, 10, 20, 0, 20],
      t1ce: [0, 0, 0, 0, 50, 100, 0, 75],
      t2: [0, 0, 0, 0, 1, 1, 0, 201],
      flair: [0, 0, 0, 0, 9, 9, 0, 9],
      seg: [0, 0, 0, 0, 0, 4, 1, 2],
    };
    for (const [kind, values] of Object.entries(volumes))
      if (!without.includes(kind)) await put(`HGG/${id}/${id}_${kind}.nii.gz`, nifti(values, [2, 2, 2]));
  };

  it("makes pictures and masks of the slices that show brain, and holds whole patients out", async () => {
    await patient("Brats17_A_1");
    await patient("Brats17_B_1");
    await patient("Brats17_C_1", ["t2"]);
    const { config, problems, notes, samples } = await prepared("brats2017");
    expect(samples).toEqual({ train: 1, val: 1 });
    expect(problems).toEqual([expect.stringMatching(/Brats17_C_1_t2\.nii\.gz: expected a volume beside/)]);
    expect(notes.join()).toContain("2 patients (285 published)");
    expect(await classNames(config)).toContain("enhancing tumour");
    const train = await labels(config);
    expect(Object.values(train)).toEqual([[0, 3, 1, 2]]);
    const [file] = Object.keys(train);
    const { channels, data } = decode(await readFile(join(root, file)));
    expect(channels).toBe(4);
    expect([...data]).toEqual([1, 1, 1, 1, 255, 1, 1, 255, 0, 0, 0, 0, 128, 255, 1, 255]);
    expect([...(await readImage(join(root, file), { channels: 4 })).data]).toEqual([...data]);
  });

  it("measures what its four channels are normalised by, and says so", async () => {
    for (const id of ["A", "B"]) await patient(id);
    const { config, notes } = await prepared("brats2017");
    const channels = [
      [1, 255, 0, 128],
      [1, 1, 0, 255],
      [1, 1, 0, 1],
      [1, 255, 0, 255],
    ].map((bytes) => bytes.map((byte) => byte / 255));
    const mean = channels.map((values) => values.reduce((sum, value) => sum + value) / 4);
    const std = channels.map((values, c) => Math.sqrt(values.reduce((sum, v) => sum + (v - mean[c]) ** 2, 0) / 4));
    const { input } = (await loadTrainConfig(config, [], ".")).model;
    // Of a channel that hardly differs, one step of its bytes.
    const expected = std.map((value) => Math.max(value, 1 / 255));
    for (const c of [0, 1, 2, 3]) {
      expect(input.mean[c]).toBeCloseTo(mean[c], 4);
      expect(input.std[c]).toBeCloseTo(expected[c], 4);
    }
    expect(notes.join("\n")).toContain(`model.input: mean ${input.mean.join(", ")} and std ${input.std.join(", ")}`);
    await writeFile(join(root, "pspnet/slices/A.json"), "{");
    await rm(join(root, "pspnet/brats2017.yaml"));
    expect((await loadTrainConfig((await prepared("brats2017")).config, [], ".")).model.input).toEqual(input);
  });

  it("gives a configuration that trains on four channels as it is", async () => {
    const [width, height, depth] = [64, 64, 3];
    const generator = random(0);
    for (const id of ["A", "B", "C"])
      for (const kind of ["t1", "t1ce", "t2", "flair", "seg"]) {
        const half = (i: number) => i % width < width / 2;
        const value = (i: number) => (kind === "seg" ? (half(i) ? 0 : 4) : 50 + 100 * generator.next());
        const values = Array.from({ length: width * height * depth }, (_, i) => value(i));
        await put(`HGG/${id}/${id}_${kind}.nii.gz`, nifti(values, [width, height, depth]));
      }
    const { config, samples } = await prepared("brats2017");
    expect(samples).toEqual({ train: 6, val: 3 });
    const small = ["model.backbone.layers=18", "model.backbone.width=4", "model.head.channels=8"];
    const keys = [
      ...small,
      `runs=${join(root, "runs")}`,
      "crop=57",
      "batch=2",
      "epochs=1",
      "threads=1",
      "precision=fp32",
    ];
    const { folder, state } = await train(await loadTrainConfig(config, keys, "."));
    expect(state.step).toBe(3);
    const { tensors } = readSafetensors(await readFile(join(folder, "weights", "last.safetensors")));
    expect(tensors.get("layer0.0.weight")?.shape).toEqual([4, 4, 3, 3]);
    await expect(
      checkDataset(await openDataset((await loadTrainConfig(config, [], ".")).data, "train", { channels: 4 })),
    ).resolves.toMatchObject({
      samples: 6,
    });
  });

  it("goes on where it was", async () => {
    for (const id of ["A", "B"]) await patient(id);
    await prepared("brats2017");
    const picture = join(root, "pspnet/images/A/001.png");
    const before = (await stat(picture)).mtimeMs;
    await rm(join(root, "pspnet/slices/B.json"));
    await prepared("brats2017");
    expect((await stat(picture)).mtimeMs).toBe(before);
    expect((await prepared("brats2017")).samples).toEqual({ train: 1, val: 1 });
  });
});
