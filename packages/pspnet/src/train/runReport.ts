import { join } from "node:path";
import type { ConfusionMatrix } from "@pspnet/core";
import { stringify } from "yaml";
import type { TrainConfig } from "../config/schema.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { svgToPng } from "../files/png.js";
import { classIouSvg } from "../report/classIouPlot.js";
import { confusionSvg } from "../report/confusionPlot.js";
import { type Curves, curvesSvg } from "../report/curvesPlot.js";
import { htmlReport } from "../report/htmlReport.js";
import { classTable, percent } from "../report/table.js";

export interface RunReport {
  readonly config: TrainConfig;
  readonly names: readonly string[];
  readonly confusion: ConfusionMatrix;
  readonly curves: Curves;
  /** Names of the pictures that it shows. */
  readonly pictures: Iterable<string>;
}

/** Writes a run's plots, scores and `report.html`, as they are after a validation. */
export async function writeReport(
  folder: string,
  { config, names, confusion, curves, pictures }: RunReport,
): Promise<void> {
  const write = (name: string, content: Uint8Array | string) => atomicWrite(join(folder, name), content);
  const scores = confusion.scores();
  const plots = {
    curves: await curvesSvg(curves),
    confusion: await confusionSvg(confusion, names),
    "class-iou": await classIouSvg(scores, names),
  };
  for (const [name, svg] of Object.entries(plots)) {
    await write(`${name}.svg`, svg);
    await write(`${name}.png`, await svgToPng(svg));
  }
  await write("confusion.json", `${JSON.stringify({ names, ...confusion.toJSON() })}\n`);
  await write("scores.txt", `${classTable(scores, names)}\n`);
  const report = htmlReport({
    title: config.name,
    summary: [
      ["mIoU", `${percent(scores.meanIoU)} %`],
      ["pixel accuracy", `${percent(scores.pixelAccuracy)} %`],
      ["mean accuracy", `${percent(scores.meanAccuracy)} %`],
    ],
    scores,
    names,
    curvesSvg: plots.curves,
    confusionSvg: plots.confusion,
    pictures: Array.from(pictures, (name) => `pictures/${name}.png`),
    config: stringify(config),
  });
  await write("report.html", report);
}
