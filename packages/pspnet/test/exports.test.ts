import { join } from "node:path";
import type { LabelMap } from "@pspnet/core";
import { describe, expect, it } from "vitest";
import { blankMask, ellipse, fillOutline, type Outline } from "../src/data/prepare/rasterise.js";
import { cocoRunLengths, fillRuns } from "../src/data/prepare/runLengths.js";
import { xmlElements } from "../src/data/prepare/xml.js";
import { encodePng } from "../src/files/png.js";
import { image, put, root } from "./support/dataFolder.js";
import { classNames, labels, prepared } from "./support/prepared.js";

// What annotation programs export, as masks.

const [WIDTH, HEIGHT] = [6, 4];
const photo = async (path: string) => put(path, await encodePng(image(WIDTH, HEIGHT)));

/** The labels as rows of digits. */
const rows = (labels: readonly number[] | Uint8Array, width = WIDTH) =>
  Array.from({ length: labels.length / width }, (_, y) => [...labels.slice(y * width, (y + 1) * width)].join(""));

describe("outlines", () => {
  /** Whether a point lies inside: by the sum of the angles that the corners are seen under, for outlines that do not cross themselves. */
  const inside = (outline: Outline, x: number, y: number) => {
    let angle = 0;
    for (let i = 0; i < outline.length; i += 2) {
      const next = (i + 2) % outline.length;
      const a = Math.atan2(outline[i + 1] - y, outline[i] - x);
      const b = Math.atan2(outline[next + 1] - y, outline[next] - x);
      angle += ((b - a + 3 * Math.PI) % (2 * Math.PI)) - Math.PI;
    }
    return Math.abs(angle) > Math.PI;
  };

  it.each<[string, Outline]>([
    ["a triangle", [1.2, 0.7, 17.3, 5.1, 4.9, 14.2]],
    [
      "a star that is not convex",
      [10, 0.3, 12.2, 7, 19, 8, 13, 10.6, 15.1, 15.7, 10, 12, 4.7, 15.6, 7, 10.4, 1, 8.1, 8, 7],
    ],
    ["a circle", ellipse(9.3, 8.1, 6.2, 4.4)],
    ["one that reaches over every border", [-5, -3, 30, 4, 22, 40, -9, 20]],
  ])("%s: the pixels whose centres lie inside", (_, outline) => {
    const mask = blankMask(20, 16, "mask");
    fillOutline(mask, outline, 7);
    const expected = Array.from({ length: 320 }, (_, i) =>
      inside(outline, (i % 20) + 0.5, Math.floor(i / 20) + 0.5) ? 7 : 0,
    );
    expect(rows(mask.data, 20)).toEqual(rows(expected, 20));
  });

  it("side by side share no pixel and leave none out", () => {
    const mask = blankMask(8, 8, "mask");
    const [left, right] = [blankMask(8, 8, "mask"), blankMask(8, 8, "mask")];
    fillOutline(left, [0, 0, 5.5, 0, 2.5, 8, 0, 8], 1);
    fillOutline(right, [5.5, 0, 8, 0, 8, 8, 2.5, 8], 1);
    expect([...mask.data.map((_, i) => left.data[i] + right.data[i])].every((sum) => sum === 1)).toBe(true);
  });
});

describe("run lengths", () => {
  // Recorded from pycocotools 2.0.
  const recorded = "4162LNO0124NN";

  it("are read of COCO's text, column by column", () => {
    const mask: LabelMap = blankMask(7, 5, "mask");
    fillRuns(mask, cocoRunLengths(recorded, "x"), { left: 0, top: 0, width: 7, height: 5, by: "columns" }, 1);
    const full = [
      0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0,
    ];
    const byRows = Array.from({ length: 35 }, (_, i) => full[(i % 7) * 5 + Math.floor(i / 7)]);
    expect(rows(mask.data, 7)).toEqual(rows(byRows, 7));
  });

  it("that are none are refused, and none reaches beyond its area", () => {
    for (const bad of [{}, "\u0001\u0002", [1.5], "ooooooooooooooooo"])
      expect(() => cocoRunLengths(bad, "x")).toThrow("x: expected run lengths");
    const mask = blankMask(3, 2, "mask");
    fillRuns(mask, [1, 100], { left: 1, top: 1, width: 2, height: 2, by: "rows" }, 4);
    expect(rows(mask.data, 3)).toEqual(["000", "004"]);
  });
});

describe("labelme", () => {
  const shape = (label: string, points: readonly (readonly number[])[], shape_type = "polygon") => ({
    label,
    points,
    shape_type,
  });
  const annotate = (path: string, shapes: readonly unknown[], more: object = {}) =>
    put(
      path,
      JSON.stringify({
        version: "5.4.1",
        imagePath: `${path.replace(/^.*\//, "").replace(".json", "")}.png`,
        imageWidth: WIDTH,
        imageHeight: HEIGHT,
        shapes,
        ...more,
      }),
    );
  const left = [
    [0, 0],
    [3, 0],
    [3, 4],
    [0, 4],
  ];

  it("draws polygons, rectangles and circles, later ones over earlier ones", async () => {
    for (const name of ["a", "b"]) await photo(`${name}.png`);
    const shapes = [
      shape("dog", left),
      shape(
        "cat",
        [
          [4, 0],
          [1, 2],
        ],
        "rectangle",
      ),
      shape(
        "__ignore__",
        [
          [5, 3],
          [5.9, 3],
        ],
        "circle",
      ),
      shape("nose", [[1, 1]], "point"),
    ];
    await annotate("a.json", shapes);
    await annotate("b.json", [shape("cat", left)]);
    const { config, problems, notes, samples } = await prepared("labelme");
    expect(problems).toEqual([]);
    expect(samples).toEqual({ train: 1, val: 1 });
    expect(notes.join()).toMatch(/1 of 2 samples held out.*1 shape without an area/);
    expect(await classNames(config)).toEqual(["background", "cat", "dog"]);
    const all = { ...(await labels(config)), ...(await labels(config, "val")) };
    expect(rows(all["a.png"].map((id) => (id === 255 ? 9 : id)))).toEqual(["211100", "211100", "222099", "222099"]);
    expect(rows(all["b.png"])).toEqual(Array(4).fill("111000"));
  });

  it("takes the order of labels.txt and the splits of the folders, and finds images elsewhere", async () => {
    await put("labels.txt", "__ignore__\n_background_\ndog\ncat\n");
    for (const split of ["train", "valid"]) {
      await photo(`${split}/images/x y.png`);
      await annotate(`${split}/annotations/x y.json`, [shape("dog", left)], { imagePath: `..\\images\\x y.png` });
    }
    const { config, problems, notes } = await prepared("labelme");
    expect({ problems, notes }).toEqual({ problems: [], notes: [] });
    expect(await classNames(config)).toEqual(["background", "dog", "cat"]);
    expect(Object.keys(await labels(config, "val"))).toEqual(["valid/images/x y.png"]);
  });

  it("names what is broken, and goes on", async () => {
    for (const name of ["a", "b", "big"]) await photo(`${name}.png`);
    await annotate("a.json", [shape("dog", left)]);
    await annotate("b.json", [shape("dog", left)]);
    await annotate("gone.json", [shape("dog", left)]);
    await annotate("big.json", [shape("dog", left)], { imageWidth: 1e9 });
    await put("broken.json", "{");
    await put("other.json", '{"a": 1}');
    const { problems, samples } = await prepared("labelme");
    expect(samples).toEqual({ train: 1, val: 1 });
    expect(problems).toEqual([
      expect.stringContaining("broken.json: expected JSON"),
      expect.stringContaining("gone.json: expected its image gone.png, found none"),
      expect.stringContaining("big.json: expected the width and height of an image, found 1000000000 and 4"),
    ]);
    await expect(prepared("labelme", { folder: join(root, "none"), out: join(root, "out") })).rejects.toThrow(
      "expected 1 to 254 labels, found 0",
    );
  });
});

describe("coco", () => {
  const dataset = (name: string, annotations: readonly object[]) => ({
    images: [{ id: 3, file_name: name, width: WIDTH, height: HEIGHT }],
    annotations: annotations.map((annotation, id) => ({ id, image_id: 3, iscrowd: 0, ...annotation })),
    categories: [
      { id: 18, name: "dog" },
      { id: 2, name: "cat" },
    ],
  });
  const all = [0, 0, 6, 0, 6, 4, 0, 4];

  it("draws polygons and run lengths, small objects over large ones, a split for each file", async () => {
    await photo("train2017/1.png");
    await photo("val2017/1.png");
    const crowd = { category_id: 18, iscrowd: 1, segmentation: { size: [HEIGHT, WIDTH], counts: [0, 4, 20] } };
    const cat = {
      category_id: 2,
      segmentation: [
        [4, 0, 6, 0, 6, 2, 4, 2],
        [5, 3, 6, 3, 6, 4, 5, 4],
      ],
    };
    await put("annotations/instances_train2017.json", JSON.stringify(dataset("1.png", [cat, crowd])));
    await put(
      "annotations/instances_val2017.json",
      JSON.stringify(dataset("1.png", [cat, { category_id: 18, segmentation: [all] }])),
    );
    await put("annotations/captions.json", '{"images": [], "annotations": [{"caption": "a dog"}]}');
    const { config, problems } = await prepared("coco");
    expect(problems).toEqual([]);
    expect(await classNames(config)).toEqual(["background", "cat", "dog"]);
    const train = await labels(config);
    expect(Object.keys(train)).toEqual(["train2017/1.png"]);
    expect(rows(train["train2017/1.png"])).toEqual(["200011", "200011", "200000", "200001"]);
    expect(rows(Object.values(await labels(config, "val"))[0])).toEqual(["222211", "222211", "222222", "222221"]);
  });

  it("names images that are not there and run lengths that are none", async () => {
    await photo("images/a.png");
    await photo("images/b.png");
    const made = dataset("a.png", [{ category_id: 2, segmentation: [all] }]);
    const bad = { image_id: 4, category_id: 2, segmentation: { counts: "\u0001" } };
    const images = [
      ...made.images,
      { id: 4, file_name: "b.png", width: WIDTH, height: HEIGHT },
      { id: 5, file_name: "c.png" },
    ];
    await put("labels.json", JSON.stringify({ ...made, images, annotations: [...made.annotations, bad] }));
    const { problems, samples } = await prepared("coco");
    expect(samples).toEqual({ train: 1, val: 0 });
    expect(problems).toEqual([
      expect.stringContaining("labels.json names c.png, which is nowhere below"),
      expect.stringContaining("labels.json: b.png: expected run lengths"),
    ]);
  });
});

describe("cvat", () => {
  const document = (images: string) => `<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version><meta><job><labels>
<label><name>cat</name><color>#ff0000</color></label><label><name>big &amp; brown dog</name><color>#00ff00</color></label>
</labels></job></meta>${images}</annotations>`;

  it("draws polygons, boxes, ellipses and brushed masks in the order of their heights", async () => {
    await photo("images/a.png");
    await photo("images/b.png");
    await put(
      "annotations.xml",
      document(`
<image id="0" name="a.png" width="6" height="4">
  <polygon label="cat" z_order="1" points="0,0;3,0;3,4;0,4"/>
  <box label="big &amp; brown dog" xtl="1" ytl="0" xbr="6" ybr="2" z_order="0"><attribute name="age">3</attribute></box>
  <mask label="cat" rle="1, 2, 1" left="4" top="2" width="2" height="2" z_order="0"></mask>
  <points label="cat" points="1,1"/>
</image>
<image id="1" name="b.png" width="6" height="4"><ellipse label="cat" cx="3" cy="2" rx="1.1" ry="1.1"/></image>`),
    );
    const { config, problems, notes } = await prepared("cvat");
    expect(problems).toEqual([]);
    expect(notes.join()).toContain("1 shape without an area");
    expect(await classNames(config)).toEqual(["background", "cat", "big & brown dog"]);
    const all = { ...(await labels(config)), ...(await labels(config, "val")) };
    expect(rows(all["images/a.png"])).toEqual(["111222", "111222", "111001", "111010"]);
    expect(rows(all["images/b.png"])).toEqual(["000000", "001100", "001100", "000000"]);
  });

  it("names images that are not there, and reads what is cut off as far as it goes", async () => {
    await photo("a.png");
    const whole = document(
      '<image name="a.png" width="6" height="4"><box label="cat" xtl="0" ytl="0" xbr="2" ybr="2"/></image><image name="gone.png" width="1" height="1"/>',
    );
    await put("annotations.xml", whole);
    expect((await prepared("cvat")).problems).toEqual([
      expect.stringContaining("names gone.png, which is nowhere below"),
    ]);
    for (let end = 0; end < whole.length; end += 5) expect(Array.isArray(xmlElements(whole.slice(0, end)))).toBe(true);
  });
});
