import { ADE20K, CAMVID, ConfusionMatrix } from "@pspnet/core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { svgToPng } from "../files/png.js";
import { classIouSvg } from "./classIouPlot.js";
import { confusionSvg } from "./confusionPlot.js";
import { curvesSvg } from "./curvesPlot.js";

const texts = (svg: string) =>
  [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text.replaceAll("&lt;", "<"));

const steps = (count: number) =>
  Array.from({ length: count }, (_, i) => ({ step: i + 1, loss: 2 / (1 + i), lr: 0.01 * (1 - i / count) }));
const epochs = [
  { epoch: 1, meanIoU: 0.31, pixelAccuracy: 0.7 },
  { epoch: 2, meanIoU: 0.526, pixelAccuracy: 0.8 },
  { epoch: 3, meanIoU: 0.44, pixelAccuracy: 0.9 },
];

/** Class i is taken for class i + 1 in one pixel of four; the last class is never in the labels. */
function shifted(classes: number): ConfusionMatrix {
  const confusion = new ConfusionMatrix(classes);
  for (let id = 0; id < classes - 1; id++) {
    confusion.counts[id * classes + id] = 3 * (id + 1);
    confusion.counts[id * classes + id + 1] = id + 1;
  }
  return confusion;
}

describe("curves", () => {
  test("have titles, axes, series and the best epoch", async () => {
    const found = texts(await curvesSvg({ steps: steps(300), epochs }));
    for (const text of ["Training", "Validation", "step", "epoch", "loss", "learning rate", "mIoU", "best 52.6 %"])
      expect(found).toContain(text);
  });

  test("can be drawn at any time of a run", async () => {
    for (const curves of [
      { steps: [], epochs: [] },
      { steps: steps(1), epochs: [] },
      { steps: steps(2), epochs: epochs.slice(0, 1) },
    ])
      expect(await curvesSvg(curves)).not.toMatch(/NaN|Infinity|undefined/);
  });

  test("of a long run are not larger than can be seen", async () => {
    const svg = await curvesSvg({ steps: steps(200_000), epochs });
    expect(svg.length).toBeLessThan(150_000);
    expect(texts(svg)).toContain("200,000");
  });
});

describe("the confusion matrix", () => {
  test("has every name twice and the shares of each row", async () => {
    const found = texts(await confusionSvg(shifted(11), CAMVID.names));
    for (const name of CAMVID.names) expect(found.filter((text) => text === name)).toHaveLength(2);
    expect(found.filter((text) => text === "75")).toHaveLength(10);
    expect(found.filter((text) => text === "25")).toHaveLength(10);
  });

  test("of 150 classes has all the names, no figures and no empty cells", async () => {
    const svg = await confusionSvg(shifted(150), ADE20K.names);
    const found = texts(svg);
    for (const name of ADE20K.names) expect(found.filter((text) => text === name)).toHaveLength(2);
    expect(found).not.toContain("75");
    expect(svg.length).toBeLessThan(400_000);
  });

  test("shows foreign names as text", async () => {
    const svg = await confusionSvg(shifted(2), ["<script>alert(1)</script>", "a & b"]);
    expect(svg).not.toContain("<script");
    expect(svg).toContain("&lt;script");
    expect(svg).toContain("a &amp; b");
  });
});

describe("the bars of the classes", () => {
  test("stand from best to worst, with what is absent left out", async () => {
    const confusion = new ConfusionMatrix(4, [1, 1, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5]);
    const found = texts(await classIouSvg(confusion.scores(), ["cat", "dog", "yeti", "sky"]));
    expect(found.filter((text) => ["cat", "dog", "yeti", "sky"].includes(text))).toEqual(["sky", "dog", "cat"]);
    expect(found).toContain("90.0");
    expect(found).toContain("mIoU 60.0 % (dashed); classes that occur nowhere (1) count as 0");
  });

  test("can be drawn when no class occurs", async () => {
    expect(await classIouSvg(new ConfusionMatrix(2).scores(), ["a", "b"])).not.toMatch(/NaN|Infinity|undefined/);
  });
});

test("an SVG becomes a PNG of its size times the scale, on white", async () => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><rect x="20" width="20" height="20" fill="#0072b2"/></svg>`;
  const png = await svgToPng(svg, { scale: 2 });
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  expect([info.width, info.height]).toEqual([80, 40]);
  const pixel = (x: number, y: number) => [
    ...data.subarray((y * 80 + x) * info.channels, (y * 80 + x) * info.channels + 3),
  ];
  expect(pixel(10, 20)).toEqual([255, 255, 255]);
  expect(pixel(60, 20)).toEqual([0, 114, 178]);
});
