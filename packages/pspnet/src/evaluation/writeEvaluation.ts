import { basename, join } from "node:path";
import { ConfusionMatrix, headline, protocolText } from "@pspnet/core";
import type { Dataset } from "../data/dataset.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { svgToPng } from "../files/png.js";
import { confusionSvg } from "../report/confusionPlot.js";
import { ErrorWriter } from "../report/errorWriter.js";
import { percent } from "../report/table.js";
import type { Evaluation } from "./evaluation.js";

export interface WriteOptions {
  readonly dataset: Dataset;
  /** A folder that has all predictions. */
  readonly out: string;
  /** Images that the page shows. */
  readonly worst: number;
}

/** Writes what there is to look at of an evaluation: the page of errors and the confusion matrix. */
export async function writeEvaluation(evaluation: Evaluation, { dataset, out, worst }: WriteOptions): Promise<void> {
  const { weights, dataset: of, protocol, names, counts, errors } = evaluation;
  const { data, split } = of;
  const confusion = new ConfusionMatrix(names.length, counts);
  const figures = headline(confusion.scores(), protocol.rules.mean);
  await new ErrorWriter(dataset, out, errors ? [errors] : []).finish(confusion, {
    worst,
    title: `${basename(weights.file)} on ${data} (${split})`,
    protocol: protocolText(protocol),
    summary: [
      ["mIoU %", percent(figures.meanIoU)],
      ["mean accuracy %", percent(figures.meanAccuracy)],
      ["pixel accuracy %", percent(figures.pixelAccuracy)],
      ["images", String(dataset.length)],
    ],
  });
  const svg = await confusionSvg(confusion, names);
  await atomicWrite(join(out, "confusion.svg"), svg);
  await atomicWrite(join(out, "confusion.png"), await svgToPng(svg));
  const record = { weights: weights.file, data, split, protocol, names, ...confusion.toJSON() };
  await atomicWrite(join(out, "confusion.json"), JSON.stringify(record));
}
