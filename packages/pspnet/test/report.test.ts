import { ConfusionMatrix, IGNORE, IMAGENET } from "@pspnet/core";
import sharp from "sharp";
import { expect, test } from "vitest";
import { svgToPng } from "../src/files/png.js";
import { classIouSvg } from "../src/report/classIouPlot.js";
import { confusionSvg } from "../src/report/confusionPlot.js";
import { curvesSvg } from "../src/report/curvesPlot.js";
import { htmlReport } from "../src/report/htmlReport.js";
import { batchPicture, validationPicture } from "../src/report/pictures.js";

const HOSTILE = `</text></svg></pre><script>alert("1 & 2")</script>`;
const NAMES = [HOSTILE, "a & b"];
const confusion = new ConfusionMatrix(2, [30, 10, 0, 5]);

function curves(losses: readonly number[]) {
  const steps = losses.map((loss, i) => ({ step: i + 1, loss, lr: 0.01 }));
  return curvesSvg({ steps, epochs: [{ epoch: 1, meanIoU: 0.5, pixelAccuracy: 0.75 }] });
}

/** The points of the lines, whatever their ids are. */
const lines = (svg: string) => [...svg.matchAll(/\sd="([^"]*)"/g)].map(([, line]) => line);

test("a loss that is no number breaks neither the loss's line nor the smoothed one", async () => {
  const steps = [3, Number.NaN, 2, Number.POSITIVE_INFINITY, 1].map((loss, i) => ({ step: i + 1, loss, lr: 0.01 }));
  const drawn = lines(await curvesSvg({ steps, epochs: [] }));
  const finite = steps.filter(({ loss }) => Number.isFinite(loss));
  expect(drawn).toEqual(lines(await curvesSvg({ steps: finite, epochs: [] })));
});

test.each([
  ["grew without end", [1, 1e30, Number.POSITIVE_INFINITY]],
  ["was never a number", [Number.NaN, Number.NaN]],
  ["is nothing", [0, 0]],
])("curves can be drawn of a run whose loss %s", async (_, losses) => {
  const svg = await curves(losses);
  expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  expect((await svgToPng(svg)).length).toBeGreaterThan(1000);
});

test("the plots of one page share no id, so that none is clipped or coloured by another's", async () => {
  const svgs = [await curves([2, 1]), await confusionSvg(confusion, ["sea", "land"])];
  const html = htmlReport({
    title: "run",
    summary: [],
    scores: confusion.scores(),
    scored: "last, epoch 1",
    names: ["sea", "land"],
    curvesSvg: svgs[0],
    confusionSvg: svgs[1],
    pictures: ["pictures/val-1.png"],
    pictured: "last, epoch 1",
    plan: null,
    config: "",
  });
  const ids = [...html.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(1);
  expect(new Set(ids).size).toBe(ids.length);
  expect(html).not.toMatch(/(?:src|href)="(?:\w+:|\/)|@import|url\((?!#)/);
});

test("names that are markup leave every plot and picture well-formed", async () => {
  const size = { width: 40, height: 30 };
  const label = { ...size, data: new Uint8Array(1200).fill(1, 600) };
  const image = { ...size, data: new Uint8Array(3600) };
  const palette = [
    [255, 0, 0],
    [0, 0, 255],
  ] as const;
  const classes = { names: NAMES, palette };
  const pngs = [
    await svgToPng(await confusionSvg(confusion, NAMES)),
    await svgToPng(await classIouSvg(confusion.scores(), NAMES)),
    await validationPicture({ image, truth: label, prediction: label, classes }),
  ];
  for (const png of pngs) expect(await sharp(png).metadata()).toMatchObject({ format: "png" });
});

test("the picture of a batch clamps what is beyond black and white", () => {
  const options = { ...IMAGENET, shape: [1, 1, 2] as const, palette: [] };
  const values = Float32Array.of(99, 99, 99, -99, -99, -99);
  const { data } = batchPicture(values, new Uint8Array(2).fill(IGNORE), options);
  expect([...data.subarray(0, 6)]).toEqual([255, 255, 255, 0, 0, 0]);
});
