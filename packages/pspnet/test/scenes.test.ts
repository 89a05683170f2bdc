import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeScene, sceneClasses } from "@pspnet/scenes";
import { decode } from "fast-png";
import sharp from "sharp";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { splitSeed, writeScenes } from "../src/data/writeScenes.js";

describe("writeScenes", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "scenes-"));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it("writes images, index masks and classes that read back exactly", async () => {
    const progress: string[] = [];
    const options = { folder, train: 2, val: 1, width: 48, height: 40, seed: 6 };
    await writeScenes(options, { onProgress: (done, total) => progress.push(`${done}/${total}`) });
    expect(progress).toEqual(["1/3", "2/3", "3/3"]);
    expect(await readdir(join(folder, "train", "masks"))).toEqual(["00000.png", "00001.png"]);
    const { image, label } = makeScene({ width: 48, height: 40, seed: splitSeed(6, "val"), index: 0 });
    const pixels = await sharp(join(folder, "val", "images", "00000.png"))
      .raw()
      .toBuffer();
    expect(Uint8Array.from(pixels)).toEqual(image.data);
    const mask = decode(await readFile(join(folder, "val", "masks", "00000.png")));
    expect([mask.width, mask.height, mask.palette]).toEqual([48, 40, sceneClasses.palette]);
    expect(Uint8Array.from(mask.data)).toEqual(label.data);
    expect(JSON.parse(await readFile(join(folder, "classes.json"), "utf8"))).toEqual(sceneClasses);
  });

  it("names the file that it cannot write", async () => {
    await writeFile(join(folder, "train"), "a file where the folder should be");
    const options = { folder, train: 1, val: 0, width: 32, height: 32, seed: 0 };
    await expect(writeScenes(options)).rejects.toThrow(/train.images: could not be written .* a file stands where/);
  });

  it("refuses a count that is none", async () => {
    const options = { folder, train: -1, val: 0, width: 32, height: 32, seed: 0 };
    await expect(writeScenes(options)).rejects.toThrow(/count of scenes for train, found -1/);
  });
});
