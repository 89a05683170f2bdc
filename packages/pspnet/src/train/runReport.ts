import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ConfusionMatrix } from "@pspnet/core";
import { stringify } from "yaml";
import type { TrainConfig } from "../config/schema.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { svgToPng } from "../files/png.js";
import { classIouSvg } from "../report/classIouPlot.js";
import { confusionSvg } from "../report/confusionPlot.js";
import { type Curves, curvesSvg } from "../report/curvesPlot.js";
import { htmlReport } from "../report/htmlReport.js";
import { classTable, percent } from "../report/table.js";
import type { TrainState } from "./checkpoint.js";

/** The file of a run's folder that says what was chosen of its configuration and why, where somebody planned it. */
export const PLAN = "plan.txt";

/** A validation, and after which epoch it was. */
export interface Validated {
  readonly epoch: number;
  readonly confusion: ConfusionMatrix;
}

export interface RunReport {
  readonly config: TrainConfig;
  readonly names: readonly string[];
  /** The same as `last` when that is the best; null when what it found is not known any more. */
  readonly best: Validated | null;
  readonly last: Validated;
  readonly curves: Curves;
  /** Names of the pictures that it shows, of the last validation. */
  readonly pictures: Iterable<string>;
}

/** Writes a run's plots, scores and `report.html`, as they are after a validation: tables and matrices are the best one's. */
export async function writeReport(
  folder: string,
  { config, names, best, last, curves, pictures }: RunReport,
): Promise<void> {
  const write = (name: string, content: Uint8Array | string) => atomicWrite(join(folder, name), content);
  const { epoch, confusion } = best ?? last;
  const which = best === null ? "last" : best === last ? "best and last" : "best";
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
  await write("confusion.json", `${JSON.stringify({ epoch, names, ...confusion.toJSON() })}\n`);
  await write("scores.txt", `${classTable(scores, names)}\n`);
  const report = htmlReport({
    title: config.name,
    summary: [...figures(best ?? last, which), ...(which === "best" ? figures(last, "last") : [])],
    scores,
    scored: `${which}, epoch ${epoch}`,
    names,
    curvesSvg: plots.curves,
    confusionSvg: plots.confusion,
    pictures: Array.from(pictures, (name) => `pictures/${name}.png`),
    pictured: `last, epoch ${last.epoch}`,
    plan: await readFile(join(folder, PLAN), "utf8").catch(() => null),
    config: stringify(config),
  });
  await write("report.html", report);
}

function figures({ epoch, confusion }: Validated, which: string): [label: string, value: string][] {
  const { meanIoU, pixelAccuracy, meanAccuracy } = confusion.scores();
  const shares = { mIoU: meanIoU, "pixel accuracy": pixelAccuracy, "mean accuracy": meanAccuracy };
  return Object.entries(shares).map(([label, share]) => [`${label} (${which}, epoch ${epoch})`, `${percent(share)} %`]);
}

/** The best validation of a run, if its folder still has what it found; programs before this one kept the last one's. */
export async function bestValidation(folder: string, best: TrainState["best"]): Promise<Validated | null> {
  if (best === null) return null;
  try {
    const { classes, counts } = JSON.parse(await readFile(join(folder, "confusion.json"), "utf8"));
    const confusion = new ConfusionMatrix(classes, counts);
    return confusion.scores().meanIoU === best.meanIoU ? { epoch: best.epoch, confusion } : null;
  } catch {
    return null;
  }
}
