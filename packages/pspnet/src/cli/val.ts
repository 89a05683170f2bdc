import { join } from "node:path";
import { checkClasses, headline, protocolOf, protocolText } from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { openDataset } from "../data/dataset.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { svgToPng } from "../files/png.js";
import { confusionSvg } from "../report/confusionPlot.js";
import { counted } from "../report/counted.js";
import { Progress } from "../report/progress.js";
import { classTable, percent } from "../report/table.js";
import { evaluate } from "../segment/evaluate.js";
import { load } from "../segment/load.js";
import { type ProtocolFlags, protocolChoice } from "./protocolFlags.js";
import { fromHere, interruptible, messages, print, printJson } from "./terminal.js";

interface ValFlags extends ProtocolFlags {
  readonly data: string;
  readonly split: string;
  readonly format?: string;
  readonly out?: string;
}

export async function val(weights: string, flags: ValFlags): Promise<void> {
  await using net = await load(weights, { ...flags, ...protocolChoice(flags), stream: messages });
  const { description } = net;
  const dataset = await openDataset(await loadDataConfig(flags.data, flags), flags.split);
  checkClasses(description, dataset, weights);
  const protocol = protocolOf(protocolChoice(flags), description);
  const progress = new Progress(messages, { label: "val", total: dataset.length });
  const start = performance.now();
  const confusion = await interruptible((signal) =>
    evaluate(net, dataset, {
      protocol,
      signal,
      onImage: (done, _sample, _prediction, soFar) =>
        progress.update(done, { mIoU: percent(headline(soFar.scores(), protocol.rules.mean).meanIoU) }),
    }),
  );
  progress.finish();
  const scores = confusion.scores();
  const figures = headline(scores, protocol.rules.mean);
  const { names } = description.classes;
  const seconds = (performance.now() - start) / 1000;
  const source = { weights, data: flags.data, split: flags.split, protocol };
  if (flags.out) {
    const svg = await confusionSvg(confusion, names);
    await atomicWrite(join(flags.out, "confusion.svg"), svg);
    await atomicWrite(join(flags.out, "confusion.png"), await svgToPng(svg));
    const counts = { ...source, names, ...confusion.toJSON() };
    await atomicWrite(join(flags.out, "confusion.json"), JSON.stringify(counts));
  }
  if (flags.json) {
    const classes = scores.classes.map((score, id) => ({ name: names[id], ...score }));
    printJson({ ...source, images: dataset.length, seconds, ...scores, ...figures, classes });
    return;
  }
  print(classTable(scores, names));
  print(`\n${protocolText(protocol)}`);
  print(
    `mIoU ${percent(figures.meanIoU)} %   mean accuracy ${percent(figures.meanAccuracy)} %   pixel accuracy ${percent(figures.pixelAccuracy)} %` +
      `   score ${percent(figures.score)} %`,
  );
  if (scores.classes.some(({ present }) => !present))
    print(
      `mIoU over all classes ${percent(scores.meanIoU)} %, over the classes present ${percent(scores.meanIoUPresent)} %`,
    );
  print(`${counted(dataset.length, "image")} in ${seconds.toFixed(1)} s`);
  if (flags.out) print(`confusion matrix: ${fromHere(join(flags.out, "confusion.png"))}`);
}
