import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { atomicWrite } from "../src/files/atomicWrite.js";
import { findImages } from "../src/files/findImages.js";
import { decodeNpy, encodeNpy } from "../src/files/npy.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-files-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

describe("atomicWrite", () => {
  test("writes pieces one after the other and leaves no temporary file", async () => {
    const file = join(folder, "deep", "a.bin");
    await atomicWrite(file, [Uint8Array.of(1, 2), Uint8Array.of(3)]);
    expect([...(await readFile(file))]).toEqual([1, 2, 3]);
    expect(await readdir(join(folder, "deep"))).toEqual(["a.bin"]);
  });

  test("a failure half way keeps the old file and removes the new one", async () => {
    const file = join(folder, "a.txt");
    await writeFile(file, "old");
    const pieces = function* () {
      yield Uint8Array.of(1);
      throw Object.assign(new Error("no space left on device"), { code: "ENOSPC" });
    };
    await expect(atomicWrite(file, pieces())).rejects.toThrow(/a\.txt: the disk is full .*MB are free.* untouched/);
    expect(await readFile(file, "utf8")).toBe("old");
    expect(await readdir(folder)).toEqual(["a.txt"]);
  });
});

test("npy holds any float32 array of any shape", () => {
  const arrays = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(arrays, fc.infiniteStream(fc.float({ noNaN: true })), (shape, stream) => {
      const values = Float32Array.from(
        { length: shape.reduce((a, b) => a * b, 1) },
        () => stream.next().value as number,
      );
      const [header, data] = encodeNpy(values, shape);
      expect(header.length % 64).toBe(0);
      const bytes = Uint8Array.from([...header, ...data]);
      expect(decodeNpy(bytes)).toEqual({ values, shape });
    }),
  );
});

test("npy refuses what is cut off", () => {
  const [header, data] = encodeNpy(Float32Array.of(1, 2, 3), [3]);
  const bytes = Uint8Array.from([...header, ...data]);
  expect(() => decodeNpy(bytes.slice(0, -4))).toThrow(/expected 3 values, found 2/);
  expect(() => decodeNpy(bytes.slice(0, 5))).toThrow(/expected a row-major float32 array/);
});

describe("findImages", () => {
  test("takes files, folders and globs, each image once", async () => {
    for (const name of ["a.jpg", "b.PNG", "notes.txt"]) await atomicWrite(join(folder, "sub", name), "");
    await atomicWrite(join(folder, "a.jpg"), "");
    const { images } = await findImages([join(folder, "a.jpg"), join(folder, "sub"), join(folder, "sub", "*.jpg")]);
    expect(images.map(({ name }) => name)).toEqual([`${basename(folder)}/a`, "sub/a", "b"]);
  });

  test.each([
    [
      ["a/x.jpg", "b/x.jpg", "b/y.jpg"],
      ["a/x", "b/x", "y"],
    ],
    [
      ["x.jpg", "x.png", "y.png"],
      ["x.jpg", "x.png", "y"],
    ],
    [
      ["x.jpg", "x.png", "x.jpg.png"],
      ["x.jpg", "x.png", "x.jpg.png"],
    ],
    [
      ["a/x.jpg", "a/x.png", "b/x.jpg"],
      ["a/x.jpg", "a/x.png", "b/x"],
    ],
    [
      ["1/c/x.jpg", "2/c/x.jpg", "d/x.jpg"],
      ["1/c/x", "2/c/x", "d/x"],
    ],
  ])("tells %j apart by folder or extension", async (files, names) => {
    const inputs = files.map((name) => join(folder, name));
    for (const input of inputs) await atomicWrite(input, "");
    expect((await findImages(inputs)).images.map(({ name }) => name)).toEqual(names);
  });

  test("leaves out what predict wrote, however it is found, and nothing that only has such a name", async () => {
    const record = JSON.stringify({ image: "x.jpg", width: 1, height: 1, areas: [] });
    await atomicWrite(join(folder, "r", "x.json"), record);
    await atomicWrite(join(folder, "r", "y.json"), JSON.stringify({ image: "y.jpg" }));
    const names = ["x.jpg", "x.labels.png", "x.colour.png", "x.overlay.png", "y.labels.png", "z.overlay.png"];
    const files = names.map((name) => join(folder, "r", name));
    for (const file of files) await atomicWrite(file, "");
    for (const inputs of [[join(folder, "r")], [join(folder, "r", "*.{jpg,png}")], files]) {
      const { images, results } = await findImages(inputs);
      expect(images.map(({ name }) => name).sort()).toEqual(["x", "y.labels", "z.overlay"]);
      expect(results).toBe(3);
    }
    await expect(findImages([files[2]])).rejects.toThrow(/x\.colour\.png: expected images, found only what predict/);
  });

  test("tells films by their names from images, and what predict wrote of them from both", async () => {
    const names = ["a.jpg", "a.MOV", "b.mp4", "b.overlay.mp4", "b.areas.jsonl", "c.overlay.mp4", "d.ts"];
    for (const name of names) await atomicWrite(join(folder, "films", name), "");
    const { images, films, results } = await findImages([join(folder, "films")]);
    expect(images.map(({ name }) => name)).toEqual(["a"]);
    expect(films.map(({ name }) => name)).toEqual(["a", "b", "c.overlay"]);
    expect(results).toBe(1);
  });

  test("says which input means nothing", async () => {
    await expect(findImages([join(folder, "none*.jpg")])).rejects.toThrow(/none\*\.jpg: expected an image/);
  });
});
