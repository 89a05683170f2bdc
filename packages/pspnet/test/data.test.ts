import { existsSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateSync } from "node:zlib";
import { CAMVID, colourise, IGNORE, type LabelMap, type Rgb, VOC2012 } from "@pspnet/core";
import { encode } from "fast-png";
import sharp from "sharp";
import { beforeEach, describe, expect, it, test } from "vitest";
import { checkDataset, formatCheckReport } from "../src/data/check.js";
import { type Dataset, fromSource, openDataset } from "../src/data/dataset.js";
import type { DataConfig } from "../src/data/format.js";
import { colourTable } from "../src/data/ids.js";
import { readImage } from "../src/data/images.js";
import { readMask } from "../src/data/masks.js";
import { encodeMask, encodePng } from "../src/files/png.js";
import { contactSheet } from "../src/report/contactSheet.js";
import { describeData, image, put, root } from "./support/dataFolder.js";

const label = (width: number, height: number, ids: (i: number) => number = (i) => i % 3): LabelMap => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height }, (_, i) => ids(i)),
});
const putImage = async (path: string, width = 4, height = 3) => put(path, await encodePng(image(width, height)));
const putMask = (path: string, map = label(4, 3)) => put(path, encodeMask(map, VOC2012.palette));

describe("readImage", () => {
  const png = (data: Uint8Array | Uint16Array, channels: 1 | 2 | 3 | 4) =>
    encode({ width: 2, height: 1, data, channels, depth: data instanceof Uint16Array ? 16 : 8 });

  it.each([
    ["grey", png(Uint8Array.of(7, 200), 1), [7, 7, 7, 200, 200, 200]],
    ["grey with alpha", png(Uint8Array.of(7, 0, 200, 128), 2), [7, 7, 7, 200, 200, 200]],
    ["alpha", png(Uint8Array.of(1, 2, 3, 0, 4, 5, 6, 128), 4), [1, 2, 3, 4, 5, 6]],
    ["16 bit", png(Uint16Array.of(0x100, 0x2ff, 0x3aa, 0xffff, 0, 0), 3), [1, 2, 3, 255, 0, 0]],
    ["16 bit grey", png(Uint16Array.of(0x10ff, 0xffff), 1), [16, 16, 16, 255, 255, 255]],
    [
      "a palette",
      encodeMask({ width: 2, height: 1, data: Uint8Array.of(1, 0) }, [
        [1, 2, 3],
        [4, 5, 6],
      ]),
      [4, 5, 6, 1, 2, 3],
    ],
  ] as const)("makes RGB of %s", async (_, bytes, expected) => {
    const { width, height, data } = await readImage(bytes);
    expect([width, height]).toEqual([2, 1]);
    expect([...data]).toEqual(expected);
  });

  it("makes RGB of CMYK", async () => {
    const red = sharp({ create: { width: 8, height: 8, channels: 3, background: "red" } });
    const { data } = await readImage(await red.toColourspace("cmyk").jpeg().toBuffer());
    expect(data).toHaveLength(8 * 8 * 3);
    expect(data[0]).toBeGreaterThan(180);
    expect(Math.max(data[1], data[2])).toBeLessThan(80);
  });

  it("leaves a photograph as it is stored unless it is to be turned", async () => {
    const { data, width, height } = image(6, 4);
    const turned = await sharp(data, { raw: { width, height, channels: 3 } })
      .png()
      .withMetadata({ orientation: 6 })
      .toBuffer();
    expect(await readImage(turned)).toEqual(image(6, 4));
    expect(await readImage(turned, { orient: true })).toMatchObject({ width: 4, height: 6 });
  });

  it("names a broken, a cut off and a missing file", async () => {
    const { data, width, height } = image(64, 64);
    const jpeg = await sharp(data, { raw: { width, height, channels: 3 } })
      .jpeg()
      .toBuffer();
    const cut = await put("cut.jpg", jpeg.subarray(0, jpeg.length / 2));
    await expect(readImage(cut)).rejects.toMatchObject({ code: "data", message: expect.stringContaining(cut) });
    await expect(readImage(cut)).rejects.toThrow("premature end");
    await expect(readImage(await put("text.jpg", "no picture"))).rejects.toThrow("text.jpg: expected a photograph");
    await expect(readImage(join(root, "none.jpg"))).rejects.toThrow(
      "none.jpg: expected a photograph that can be decoded: no such file",
    );
  });

  it("reads what encodePng writes", async () => {
    expect(await readImage(await encodePng(image(5, 7)))).toEqual(image(5, 7));
  });
});

/** A PNG of one channel by hand, several pixels to a byte, with no filter. */
function packedPng(
  { width, height, data }: LabelMap,
  { depth, palette }: { depth: 1 | 2 | 4; palette: boolean },
): Buffer {
  const stride = Math.ceil((width * depth) / 8);
  const rows = Buffer.alloc(height * (stride + 1));
  for (const [i, id] of data.entries()) {
    const bit = (i % width) * depth;
    rows[Math.floor(i / width) * (stride + 1) + 1 + (bit >> 3)] |= id << (8 - depth - (bit & 7));
  }
  const chunk = (type: string, body: Uint8Array) => {
    const content = Buffer.concat([Buffer.from(type, "latin1"), body]);
    const [length, checksum] = [Buffer.alloc(4), Buffer.alloc(4)];
    length.writeUInt32BE(body.length);
    checksum.writeUInt32BE(crc32(content));
    return Buffer.concat([length, content, checksum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([depth, palette ? 3 : 0], 8);
  const colours = Buffer.from(Array.from({ length: 2 ** depth }, (_, id) => [id, 99, 255 - id]).flat());
  return Buffer.concat([
    Buffer.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a),
    chunk("IHDR", header),
    ...(palette ? [chunk("PLTE", colours)] : []),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

describe("readMask", () => {
  for (const palette of [true, false]) {
    it.each([1, 2, 4] as const)(`unpacks ids of %i bits, ${palette ? "palette" : "grey"}`, async (depth) => {
      const map = label(7, 5, (i) => (i * i + 1) % 2 ** depth);
      const stored = await readMask(await put("mask.png", packedPng(map, { depth, palette })));
      expect(stored).toEqual({ ...map, kind: palette ? "palette" : "grey" });
    });
  }

  it("keeps the indices that encodeMask writes, and their colours show in viewers", async () => {
    const map = label(5, 2, (i) => [0, 1, 20, IGNORE][i % 4]);
    const file = await putMask("mask.png", map);
    expect(await readMask(file)).toEqual({ ...map, kind: "palette" });
    const { data } = await readImage(file);
    expect([...data.subarray(0, 12)]).toEqual(
      [VOC2012.palette[0], VOC2012.palette[1], VOC2012.palette[20], [0, 0, 0]].flat(),
    );
  });

  it("takes 16 bits when the ids fit", async () => {
    const mask = (...ids: number[]) =>
      put("m.png", encode({ width: 2, height: 1, data: Uint16Array.from(ids), channels: 1, depth: 16 }));
    expect([...(await readMask(await mask(3, 255))).data]).toEqual([3, 255]);
    await expect(mask(3, 256).then(readMask)).rejects.toThrow("expected ids up to 255, found 256 in a 16-bit mask");
  });

  it("finds the ids of colours when it is given the classes' own", async () => {
    const map = label(5, 2, (i) => [1, 2, 20, IGNORE][i % 4]);
    const { palette } = VOC2012;
    const colours = (palette: readonly Rgb[]) => colourTable({ count: palette.length, palette });
    const file = await put("colours.png", await encodePng(colourise(map, palette)));
    expect(await readMask(file, { colours: colours(palette.slice(1)) })).toEqual({
      ...map,
      data: map.data.map((id) => (id === IGNORE ? id : id - 1)),
      kind: "colours",
    });
    // VOC's background is black itself.
    expect([...(await readMask(file, { colours: colours(palette) })).data.subarray(0, 4)]).toEqual([1, 2, 20, 0]);
    await expect(readMask(file, { colours: colours(palette.slice(0, 3)) })).rejects.toThrow(
      `${file}: expected the classes' colours, found ${palette[20].join()} at 2,0, no class's; save`,
    );
    const twice = [...palette.slice(0, 2), palette[1]];
    await expect(readMask(file, { colours: colours(twice) })).rejects.toThrow("at 0,0, the colour of classes 1 and 2");
  });

  const voc = fileURLToPath(new URL("../../../../shared/data/samples/voc2012/SegmentationClass", import.meta.url));
  it.skipIf(!existsSync(voc))("reads VOC's palette masks (skipped: ../shared/data/samples is absent)", async () => {
    // Pixels of each id, as Pillow counts them.
    const expected = {
      "2011_000003": { 0: 125767, 5: 873, 15: 32900, 255: 9460 },
      "2011_000006": { 0: 93492, 9: 44306, 15: 34791, 18: 14002, 255: 909 },
      "2011_000025": { 0: 62022, 6: 118222, 7: 7256 },
    };
    for (const [name, counts] of Object.entries(expected)) {
      const { data, kind } = await readMask(join(voc, `${name}.png`));
      expect(kind).toBe("palette");
      const found: Record<number, number> = {};
      for (const id of data) found[id] = (found[id] ?? 0) + 1;
      expect(found).toEqual(counts);
    }
  });

  it("explains what is wrong with colours, interlaced bits and broken files", async () => {
    const colours = await putImage("colours.png");
    await expect(readMask(colours)).rejects.toThrow(
      `${colours}: expected one id a pixel, found 3 colour channels; save it as`,
    );
    const whole = Buffer.from(
      encodeMask(
        label(100, 90, (i) => (i * i) % 19),
        VOC2012.palette,
      ),
    );
    await expect(readMask(await put("cut.png", whole.subarray(0, whole.length / 2)))).rejects.toThrow(
      "cut.png: expected a PNG mask that can be decoded, found broken, cut off",
    );
    const { data, width, height } = { ...image(8, 8), data: new Uint8Array(192).fill(9, 90) };
    const interlaced = await sharp(data, { raw: { width, height, channels: 3 } })
      .png({ palette: true, colours: 2, progressive: true })
      .toBuffer();
    await expect(readMask(await put("i.png", interlaced))).rejects.toThrow("expected a mask without interlacing");
    await expect(readMask(join(root, "none.png"))).rejects.toMatchObject({
      code: "data",
      message: expect.stringContaining("no such file"),
    });
  });
});

describe("folders", () => {
  it.each([
    ["train/images", "train/masks"],
    ["images/train", "masks/train"],
  ])("pairs %s with %s by name", async (images, masks) => {
    for (const name of ["b", "a.1"]) {
      await putImage(`${images}/${name}.png`);
      await putMask(`${masks}/${name}.png`);
    }
    await put(`${images}/.hidden.png`, "");
    await put(`${images}/notes.txt`, "");
    const dataset = await openDataset(describeData(), "train");
    expect(dataset.source.pairs.map(({ id }) => id)).toEqual(["a.1.png", "b.png"]);
    expect(dataset.classes.names).toEqual(["a", "b", "c"]);
    expect(await dataset.at(1)).toEqual({ id: "b.png", image: image(4, 3), label: label(4, 3) });
  });

  it("lists what has no partner, and two files of one name", async () => {
    await putImage("train/images/x.png");
    await putMask("train/masks/y.png");
    const open = openDataset(describeData(), "train");
    await expect(open).rejects.toThrow(`x.png has no mask in ${join(root, "train", "masks")}\n`);
    await expect(open).rejects.toThrow("y.png has no image");
    await put("train/images/x.jpg", "");
    await expect(openDataset(describeData(), "train")).rejects.toThrow(
      'one file of the name "x", found x.jpg and x.png',
    );
  });

  it("takes val, or any folder, for a split; an empty one is an error", async () => {
    for (const split of ["train", "holdout", "extra"]) {
      await putImage(`${split}/images/${split}.png`);
      await putMask(`${split}/masks/${split}.png`);
    }
    const description = describeData({ val: "holdout" });
    const firstId = async (split: string) => (await openDataset(description, split)).source.pairs[0].id;
    expect(await firstId("val")).toBe("holdout.png");
    expect(await firstId("extra")).toBe("extra.png");
    await mkdir(join(root, "none", "images"), { recursive: true });
    await mkdir(join(root, "none", "masks"));
    await expect(openDataset(description, "none")).rejects.toThrow('is empty: no images in split "none"');
  });
});

describe("CamVid", () => {
  it("reads SegNet's layout, whose label 11 is none", async () => {
    await putImage("train/a.png");
    await putMask(
      "trainannot/a.png",
      label(4, 3, (i) => i),
    );
    const dataset = await openDataset(describeData({ classes: undefined }), "train");
    expect(dataset.classes).toBe(CAMVID);
    expect([...(await dataset.at(0)).label.data]).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, IGNORE]);
  });

  const tutorial = fileURLToPath(new URL("../../../../shared/data/camvid", import.meta.url));
  it.skipIf(!existsSync(tutorial))(
    "reads the tutorial's files (skipped: ../shared/data/camvid is absent)",
    async () => {
      const dataset = await openDataset(describeData({ root: tutorial, classes: undefined }), "train");
      expect(dataset.source.pairs[0].mask).toContain("trainannot");
      const { image, label } = await dataset.at(0);
      expect([image.width, image.height]).toEqual([label.width, label.height]);
      expect(label.data.every((id) => id < 11 || id === IGNORE)).toBe(true);
    },
  );
});

describe("list files", () => {
  const list = (text: string) => put("lists/train.txt", text);
  const description = () => describeData({ train: "lists/train.txt" });

  it("read as the official release reads them, a leading slash dropped", async () => {
    await putImage("in/a.png");
    await putMask("out/a.png");
    await list("in/a.png out/a.png\r\n/in/a.png /out/a.png\n\n");
    const dataset = await openDataset(description(), "train");
    expect(dataset.length).toBe(2);
    expect((await dataset.at(1)).label).toEqual(label(4, 3));
  });

  it("name every line that cannot be used", async () => {
    await putImage("in/a.png");
    await putMask("out/a.png");
    const file = await list("in/a.png out/a.png\nin/a.png\nin/b.png out/a.png\nin/my file.png out/a.png\n");
    const open = openDataset(description(), "train");
    await expect(open).rejects.toMatchObject({ code: "data" });
    await expect(open).rejects.toThrow(`${join(root, "in/a.png")} has no mask: it can be predicted`);
    await expect(open).rejects.toThrow(`${file}:3: ${join(root, "in/b.png")} missing`);
    await expect(open).rejects.toThrow(`${file}:4: expected "image label"`);
    await expect(openDataset(describeData({ train: "no.txt" }), "train")).rejects.toThrow(
      "no.txt: expected a list file",
    );
  });
});

describe("classes", () => {
  beforeEach(async () => {
    await putImage("train/images/a.png");
    await putMask("train/masks/a.png");
  });
  const open = (classes?: DataConfig["classes"]) => openDataset(describeData({ classes }), "train");

  it("are a preset, a file of names, or the dataset's own with its colours", async () => {
    expect((await open("voc2012")).classes).toBe(VOC2012);
    await put("names.txt", "sky\nboat \n\nsea\n");
    expect((await open("names.txt")).classes.names).toEqual(["sky", "boat", "sea"]);
    const own = {
      names: ["x", "y", "z"],
      palette: [
        [1, 2, 3],
        [4, 5, 6],
        [7, 8, 9],
      ],
    };
    await put("classes.json", JSON.stringify(own));
    expect((await open()).classes).toEqual(own);
  });

  it("are asked for when nothing says", async () => {
    await expect(open()).rejects.toThrow("give data.classes: one of ade20k, voc2012");
    await put("classes.json", '{"names": ["x", "y"], "palette": [[0, 0, 256], [0, 0, 0]]}');
    await expect(open()).rejects.toThrow("classes.json: expected a palette of 2 colours");
    await put("classes.json", "{");
    await expect(open()).rejects.toThrow("classes.json: expected JSON");
    await put("classes.json", "null");
    await expect(open()).rejects.toThrow("classes.json: expected {");
  });
});

test("a folder of no known layout is told the layouts", async () => {
  await expect(openDataset(describeData(), "train")).rejects.toThrow(
    "expected a list file as data.train or data.val (list), train and trainannot (camvid), train/images and train/masks",
  );
  await expect(openDataset(describeData({ root: join(root, "no") }), "train")).rejects.toThrow("found nothing there");
});

/** Four good samples, then a mask too small, an id too high, a broken image and a missing mask. */
async function flawed(): Promise<Dataset> {
  const names = ["a", "b", "c", "d", "narrow", "high", "broken", "gone"];
  for (const name of names) {
    await putImage(`train/images/${name}.png`);
    await putMask(
      `train/masks/${name}.png`,
      label(4, 3, (i) => [0, 2, 2, IGNORE][i % 4]),
    );
  }
  const dataset = await openDataset(describeData(), "train");
  await putMask("train/masks/narrow.png", label(2, 3));
  await putMask(
    "train/masks/high.png",
    label(4, 3, (i) => (i < 5 ? 7 : 0)),
  );
  await put("train/images/broken.png", "no picture");
  await rm(join(root, "train/masks/gone.png"));
  return dataset;
}

test("samples that do not fit say which files, and what was found", async () => {
  const dataset = await flawed();
  const at = (name: string) => dataset.at(dataset.source.pairs.findIndex(({ id }) => id === `${name}.png`));
  const files = (name: string) => [join(root, `train/images/${name}.png`), join(root, `train/masks/${name}.png`)];
  const [narrowImage, narrowMask] = files("narrow");
  await expect(at("narrow")).rejects.toThrow(`${narrowMask}: expected a mask of 3x4 as ${narrowImage}, found 3x2`);
  await expect(at("high")).rejects.toThrow(
    `${files("high")[1]}: expected ids 0 to 2, or 255 for none, found id 7 in 5 pixels; mend`,
  );
});

test("a worker's copy of a source opens the same dataset", async () => {
  const dataset = await flawed();
  const copy = fromSource(structuredClone(dataset.source));
  expect(await copy.at(0)).toEqual(await dataset.at(0));
});

describe("checkDataset", () => {
  it("counts classes and names every problem without stopping", async () => {
    const done: number[] = [];
    const report = await checkDataset(await flawed(), { onProgress: (n) => done.push(n) });
    expect(report.samples).toBe(8);
    expect(done).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    for (const name of ["narrow", "high", "broken", "gone"]) {
      expect(report.problems.filter((line) => line.includes(`${name}.png`))).toHaveLength(1);
    }
    expect(report.problems).toHaveLength(4);
    expect(report.problems.find((line) => line.includes("high"))).toContain("id 7 in 5 pixels");
    expect(report.emptyClasses).toEqual([]);
    expect(report.sizes).toEqual([{ width: 4, height: 3, images: 6 }]);
    const text = formatCheckReport(report);
    expect(text).toContain("4 problems:");
    expect(text).toContain("6 palette PNGs among the masks");
  });

  it("reports pixels and images of each class, and classes that nothing has", async () => {
    await putImage("train/images/a.png");
    await putMask(
      "train/masks/a.png",
      label(4, 3, (i) => [0, 2, 2, IGNORE][i % 4]),
    );
    await putImage("train/images/b.png", 2, 2);
    await putMask(
      "train/masks/b.png",
      label(2, 2, () => 0),
    );
    const report = await checkDataset(await openDataset(describeData(), "train"));
    expect(report.classes).toEqual([
      { id: 0, name: "a", pixels: 7, images: 2 },
      { id: 1, name: "b", pixels: 0, images: 0 },
      { id: 2, name: "c", pixels: 6, images: 1 },
    ]);
    expect(report.ignoredPixels).toBe(3);
    expect(report.emptyClasses).toEqual(["b"]);
    expect(report.problems).toEqual([expect.stringMatching(/^no pixel of: b; /)]);
  });

  it("shows image and classes side by side under their names, with a legend, broken samples left out", async () => {
    const sheet = await readImage(await contactSheet(await flawed(), { count: 8 }));
    // Four pairs of 4x3 and a gap between, 80 times as large, each below its name, three a row with 8 between, in two rows.
    const [across, down] = [3 * 720 + 2 * 8, 2 * 264 + 8];
    expect(sheet.width).toBe(across);
    expect(sheet.height).toBeGreaterThan(down + 20);
    const at = (x: number, y: number) => [...sheet.data.subarray(3 * (y * across + x), 3 * (y * across + x) + 3)];
    const [first] = [image(4, 3).data];
    expect(at(40, 24 + 40)).toEqual([...first.subarray(0, 3)]);
    expect(at(720 - 120, 24 + 40)).not.toEqual([...first.subarray(6, 9)]);
    const colours = (top: number, bottom: number, left = 0, right = across) =>
      new Set(
        Array.from({ length: (bottom - top) * (right - left) }, (_, i) =>
          at(left + (i % (right - left)), top + Math.floor(i / (right - left))).join(),
        ),
      );
    // Names over the first row's three pictures and the second's one; nothing where there is none.
    for (const [top, left] of [
      [0, 0],
      [0, 728],
      [0, 1456],
      [272, 0],
    ])
      expect(colours(top, top + 24, left, left + 100).size, `${top} ${left}`).toBeGreaterThan(3);
    expect([...colours(272, 272 + 24, 728, 828)]).toEqual(["255,255,255"]);
    // The classes that there are, not the one that no mask has.
    const { palette } = (await flawed()).classes;
    const legend = colours(down, sheet.height);
    expect([0, 1, 2].map((id) => legend.has(palette[id].join()))).toEqual([true, false, true]);
  });
});

describe("a dataset opened as it is", () => {
  it("is checked in spite of files without a partner and lines without files", async () => {
    await putImage("train/images/a.png");
    await putMask("train/masks/a.png");
    await putImage("train/images/alone.png");
    await putMask("train/masks/other.png");
    for (const type of ["jpg", "png"]) await put(`train/images/twice.${type}`, "");
    const folders = await checkDataset(await openDataset(describeData(), "train", { strict: false }));
    expect(folders.samples).toBe(1);
    expect(folders.problems).toEqual([
      expect.stringContaining('one file of the name "twice"'),
      expect.stringContaining("alone.png has no mask"),
      expect.stringContaining("twice.jpg has no mask"),
      expect.stringContaining("other.png has no image"),
    ]);
    const good = "train/images/a.png train/masks/a.png";
    const bad = Array.from({ length: 8 }, (_, i) => `train/images/no${i}.png train/masks/a.png`);
    await put("list.txt", [...bad, good].join("\n"));
    const description = describeData({ train: "list.txt" });
    const listed = await checkDataset(await openDataset(description, "train", { strict: false }));
    expect(listed.samples).toBe(1);
    expect(listed.problems).toHaveLength(8);
    expect(listed.problems[7]).toContain("list.txt:8: ");
    await expect(openDataset(description, "train")).rejects.toThrow(/list.txt:5: .*\nand 3 more$/);
  });

  it("may have no sample that can be used", async () => {
    await putImage("train/images/a.png");
    await mkdir(join(root, "train/masks"));
    const dataset = await openDataset(describeData(), "train", { strict: false });
    const report = await checkDataset(dataset);
    expect(formatCheckReport(report)).toContain("0 samples; sizes none");
    expect(report.problems).toHaveLength(1);
    expect(await readImage(await contactSheet(dataset, { count: 4 }))).toMatchObject({ width: 200 });
  });
});
