import { ConfusionMatrix, IGNORE, IMAGENET, type RgbImage } from "@pspnet/core";
import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { htmlReport } from "../src/report/htmlReport.js";
import { batchPicture, validationPicture } from "../src/report/pictures.js";
import { classIouSvg, confusionSvg, curvesSvg, svgToPng } from "../src/report/plots.js";

const HOSTILE = `</text></pre><script>alert("1 & 2")</script>`;

function plain(size: { width: number; height: number }, colour: readonly number[]): RgbImage {
  return { ...size, data: Uint8Array.from({ length: 3 * size.width * size.height }, (_, i) => colour[i % 3]) };
}

/** Whether a picture has a pixel of exactly this colour. */
function has({ data }: RgbImage, [red, green, blue]: readonly number[]): boolean {
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] === red && data[i + 1] === green && data[i + 2] === blue) return true;
  }
  return false;
}

async function decode(png: Uint8Array): Promise<RgbImage> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data: new Uint8Array(data) };
}

/** What an SVG's text elements say. */
function texts(svg: string): string[] {
  return [...svg.matchAll(/<text[^>]*>([^<]*)</g)].map(([, text]) => text.trim());
}

describe("plots", () => {
  const diagonal = (classes: number) => {
    const counts = Array.from({ length: classes * classes }, (_, i) => (i % (classes + 1) === 0 ? 3 : 0));
    return new ConfusionMatrix(classes, counts);
  };
  const namesOf = (classes: number) => Array.from({ length: classes }, (_, id) => `class ${id}`);

  test("of curves name their axes and the best mIoU, for no, one and many points", async () => {
    const steps = Array.from({ length: 5000 }, (_, i) => ({ step: i + 1, loss: 2 / (i + 1), lr: 0.01 }));
    const epochs = [0.2, 0.6, 0.5].map((meanIoU, i) => ({ epoch: i + 1, step: i, meanIoU, pixelAccuracy: 0.9 }));
    for (const count of [0, 1, 3]) {
      const svg = await curvesSvg({ steps: steps.slice(0, count && 5 ** (2 * count)), epochs: epochs.slice(0, count) });
      expect(texts(svg)).toEqual(expect.arrayContaining(["step", "loss", "learning rate", "epoch", "mIoU"]));
      expect(svg).not.toContain("NaN");
    }
    expect(texts(await curvesSvg({ steps, epochs })).join()).toContain("best 60.0 %");
  });

  test("of curves survive a loss that is no number, and stay small however long the run", async () => {
    const steps = Array.from({ length: 50_000 }, (_, i) => ({ step: i + 1, loss: i === 7 ? Number.NaN : 1, lr: 0.01 }));
    const svg = await curvesSvg({ steps, epochs: [] });
    expect(svg).not.toContain("NaN");
    expect(svg.length).toBeLessThan(200_000);
  });

  test("of confusion are row-normalised, with figures in the cells of a small one", async () => {
    const matrix = new ConfusionMatrix(2, [30, 10, 0, 5]);
    expect(texts(await confusionSvg(matrix, ["sea", "land"]))).toEqual(
      expect.arrayContaining(["sea", "land", "true class", "predicted class", "75", "25", "100"]),
    );
    const figures = async (classes: number) =>
      texts(await confusionSvg(diagonal(classes), namesOf(classes))).filter((text) => text === "100").length;
    expect(await figures(20)).toBe(20);
    expect(await figures(30)).toBe(0);
  });

  test("of confusion name every one of 150 classes on both axes", async () => {
    const found = texts(await confusionSvg(diagonal(150), namesOf(150)));
    for (const name of namesOf(150)) expect(found.filter((text) => text === name)).toHaveLength(2);
  });

  test("of class scores have the best on top and leave out what occurs nowhere", async () => {
    const scores = new ConfusionMatrix(3, [1, 3, 0, 0, 4, 0, 0, 0, 0]).scores();
    const found = texts(await classIouSvg(scores, ["low", "high", "nowhere"]));
    expect(found).toEqual(expect.arrayContaining(["low", "high", "25.0", "57.1"]));
    expect(found.indexOf("high")).toBeLessThan(found.indexOf("low"));
    expect(found).not.toContain("nowhere");
  });

  test("take names as text and become PNG", async () => {
    const svg = await confusionSvg(diagonal(2), [HOSTILE, "a & b"]);
    expect(svg).not.toContain("<script");
    const { format, width = 0 } = await sharp(await svgToPng(svg, { scale: 1 })).metadata();
    expect(format).toBe("png");
    expect(await sharp(await svgToPng(svg, { scale: 2 })).metadata()).toMatchObject({ width: 2 * width });
  });
});

describe("pictures", () => {
  const RED = [255, 0, 0] as const;
  const BLUE = [0, 0, 255] as const;
  const GREEN = [0, 255, 0] as const;
  const classes = { names: ["red", "blue", "green"], palette: [RED, BLUE, GREEN] };

  test("of a batch undo the normalisation and tint what is labelled", () => {
    const colour = [200, 100, 50];
    const size = { width: 4, height: 3 };
    const values = Float32Array.from({ length: 2 * 3 * 12 }, (_, i) => {
      return (colour[i % 3] / 255 - IMAGENET.mean[i % 3]) / IMAGENET.std[i % 3];
    });
    const labels = new Uint8Array(24).fill(IGNORE, 0, 12).fill(1, 12);
    const picture = batchPicture(values, labels, { ...IMAGENET, shape: [2, 3, 4], palette: classes.palette });
    expect([...picture.data.subarray(0, 3)]).toEqual(colour);
    // An opacity of 0.6 of blue.
    expect(has(picture, [80, 40, 173])).toBe(true);
    const ignored = batchPicture(values.subarray(0, 36), labels.subarray(0, 12), {
      ...IMAGENET,
      shape: [1, 3, 4],
      palette: classes.palette,
    });
    expect(ignored).toEqual(plain({ ...size, width: 8 }, colour));
  });

  test("of a batch clamp what the normalisation cannot have made", () => {
    const options = { ...IMAGENET, shape: [1, 1, 2] as const, palette: classes.palette };
    const values = Float32Array.of(99, 99, 99, -99, -99, -99);
    const { data } = batchPicture(values, new Uint8Array(2).fill(IGNORE), options);
    expect([...data.subarray(0, 6)]).toEqual([255, 255, 255, 0, 0, 0]);
  });

  test.each([
    [16, 12],
    [200, 150],
    [1500, 700],
  ])("of a validation of %dx%d have photograph, truth, prediction, and the classes present", async (width, height) => {
    const size = { width, height };
    const label = (id: number) => ({ ...size, data: new Uint8Array(width * height).fill(id) });
    const image = plain(size, [90, 90, 90]);
    const draw = async (truth: number, prediction: number) =>
      decode(await validationPicture({ image, truth: label(truth), prediction: label(prediction), classes }));

    const picture = await draw(0, 1);
    for (const colour of [[90, 90, 90], RED, BLUE]) expect(has(picture, colour)).toBe(true);
    expect(has(picture, GREEN)).toBe(false);
    // Only the legend differs in what is nowhere else.
    expect(has(await draw(IGNORE, 1), RED)).toBe(false);
  });
});

describe("the report of a run", () => {
  const scores = new ConfusionMatrix(3, [3, 1, 0, 0, 4, 0, 0, 0, 0]).scores();
  const parts = {
    title: HOSTILE,
    summary: [[HOSTILE, HOSTILE]] as const,
    scores,
    names: [HOSTILE, "land", "nowhere"],
    curvesSvg: "<svg id='curves'></svg>",
    confusionSvg: "<svg id='confusion'></svg>",
    pictures: [`a" onerror="alert(1).png`],
    config: `name: ${HOSTILE}\n`,
  };

  test("has scores, plots, pictures and configuration, and runs nothing", () => {
    const html = htmlReport(parts);
    expect(html).toContain("75.00");
    expect(html).toContain(parts.curvesSvg);
    expect(html).toContain(parts.confusionSvg);
    expect(html).toContain("&lt;script&gt;alert(&quot;1 &amp; 2&quot;)&lt;/script&gt;");
    expect(html).not.toContain("<script");
    expect(html).not.toContain(`onerror="`);
  });

  test("fetches nothing from elsewhere", () => {
    expect(htmlReport(parts)).not.toMatch(/(?:src|href)="?(?:https?:)?\/\/|@import|url\(/);
  });
});
