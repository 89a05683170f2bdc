import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { classLists, type LabelMap, numberedClasses, pspnetConfig, randomWeights, vocPalette } from "@pspnet/core";
import { decode } from "fast-png";
import { expect, test } from "vitest";
import { encodePng } from "../src/files/png.js";
import { checkSubmission, submissionOf } from "../src/files/submissions.js";
import { pspnet } from "./support/cli.js";

/** As many pixels of each class in turn as the map has. */
function labelled(height: number, width: number, classes: number): LabelMap {
  return { height, width, data: Uint8Array.from({ length: height * width }, (_, i) => i % classes) };
}

test("Cityscapes: label ids at full size, named as the frame", () => {
  const image = "leftImg8bit/test/berlin/berlin_000000_000019_leftImg8bit.png";
  const { path, content } = submissionOf("cityscapes", image, labelled(1024, 2048, 19));
  expect(path).toBe("berlin_000000_000019_leftImg8bit.png");
  const { data, channels, depth, palette, width, height } = decode(content);
  expect({ channels, depth, palette, width, height }).toEqual({
    channels: 1,
    depth: 8,
    palette: undefined,
    width: 2048,
    height: 1024,
  });
  const labelIds = [7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33];
  expect([...data.subarray(0, 20)]).toEqual([...labelIds, 7]);
  expect(() => submissionOf("cityscapes", "a.png", labelled(512, 1024, 19))).toThrow(
    "a.png: expected a photograph of 1024x2048 as the server has it, found 512x1024",
  );
});

test("VOC: palette PNGs below the devkit's folder", () => {
  const { path, content } = submissionOf("voc", "JPEGImages/2008_000006.jpg", labelled(3, 7, 21));
  expect(path).toBe(join("results", "VOC2012", "Segmentation", "comp6_test_cls", "2008_000006.png"));
  const { data, palette } = decode(content);
  expect([...data]).toEqual([...Array(21).keys()]);
  expect(palette?.map((colour) => colour.slice(0, 3))).toEqual(vocPalette(256));
});

test("ADE20K: ids from 1", () => {
  const { path, content } = submissionOf("ade20k", "ADE_test_00000001.jpg", labelled(15, 10, 150));
  expect(path).toBe("ADE_test_00000001.png");
  expect([...decode(content).data]).toEqual(Array.from({ length: 150 }, (_, id) => id + 1));
});

test("other classes, and two photographs of one name, are refused", () => {
  const images = ["a/1.jpg", "b/1.jpg"].map((file) => ({ file, name: file }));
  expect(() => checkSubmission("voc", images, classLists.voc2012)).toThrow(
    "--submit voc: expected a name for each image, found a/1.jpg and b/1.jpg",
  );
  checkSubmission("voc", images.slice(1), classLists.voc2012);
  expect(() => checkSubmission("cityscapes", images, numberedClasses(19))).toThrow(
    "--submit cityscapes: expected weights with the cityscapes classes in their order, found 19: class 0, class 1, class 2, class 3, ...",
  );
});

test("predict --submit writes the tree and nothing else", async () => {
  const folder = await mkdtemp(join(tmpdir(), "pspnet-submit-"));
  try {
    const config = pspnetConfig({ classes: 21, layers: 18, width: 4, headChannels: 8, aux: false });
    const weights = join(folder, "voc.safetensors");
    await writeFile(weights, randomWeights(config, { classes: classLists.voc2012 }));
    const photo = join(folder, "2008_000006.png");
    await writeFile(photo, await encodePng({ width: 40, height: 33, data: new Uint8Array(3 * 40 * 33).fill(90) }));
    const out = join(folder, "submission");
    const run = await pspnet(["predict", weights, photo, "--submit", "voc", "--out", out, "--protocol", "mmseg"]);
    expect(run).toMatchObject({ code: 0, out: expect.stringContaining("1 image segmented") });
    const files = await readdir(out, { recursive: true });
    expect(files.filter((file) => file.endsWith("g") || file.endsWith("json"))).toEqual([
      join("results", "VOC2012", "Segmentation", "comp6_test_cls", "2008_000006.png"),
    ]);
    const { width, height, palette } = decode(await readFile(join(out, files[files.length - 1])));
    expect({ width, height, colours: palette?.length }).toEqual({ width: 40, height: 33, colours: 256 });
    const other = await pspnet(["predict", weights, photo, "--submit", "ade20k", "--out", out]);
    expect(other).toMatchObject({
      code: 2,
      err: expect.stringMatching(/--submit ade20k: expected weights with the ade20k/),
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
