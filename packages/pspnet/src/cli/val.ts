import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import {
  type ConfusionMatrix,
  checkClasses,
  describeWeights,
  headline,
  inputChannels,
  type Protocol,
  PspnetError,
  parseDescription,
  protocolOf,
  protocolText,
  readSafetensors,
  safetensorsPieces,
} from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { type Dataset, openDataset } from "../data/dataset.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { svgToPng } from "../files/png.js";
import { publishedWeights } from "../pull/weightsFile.js";
import { confusionSvg } from "../report/confusionPlot.js";
import { counted } from "../report/counted.js";
import { ErrorWriter } from "../report/errorWriter.js";
import { Progress } from "../report/progress.js";
import { shellWord } from "../report/shellWord.js";
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
  readonly worst: number;
  readonly store?: true;
}

/** What an evaluation gave, and of what. */
interface Evaluation {
  readonly source: { readonly weights: string; readonly data: string; readonly split: string };
  readonly protocol: Protocol;
  readonly dataset: Dataset;
  readonly confusion: ConfusionMatrix;
  readonly seconds: number;
}

export async function val(weights: string, flags: ValFlags): Promise<void> {
  if (flags.store && publishedWeights(weights)) {
    const mend = "give the file that `pspnet pull` tells, or a copy of it";
    throw new PspnetError("usage", `--store: expected a weights file, found the published name ${weights}; ${mend}`);
  }
  await using net = await load(weights, { ...flags, ...protocolChoice(flags), stream: messages });
  const { description } = net;
  const { data } = await loadDataConfig(flags.data, flags);
  const dataset = await openDataset(data, flags.split, { channels: inputChannels(description.config.input) });
  checkClasses(description, dataset, weights);
  const protocol = protocolOf(protocolChoice(flags), description);
  const progress = new Progress(messages, { label: "val", total: dataset.length });
  const errors = flags.out ? new ErrorWriter(dataset, { folder: flags.out, worst: flags.worst }) : null;
  const start = performance.now();
  const confusion = await interruptible((signal) =>
    evaluate(net, dataset, {
      protocol,
      signal,
      onImage: async (done, sample, prediction, soFar) => {
        await errors?.add(sample, prediction);
        progress.update(done, { mIoU: percent(headline(soFar.scores(), protocol.rules.mean).meanIoU) });
      },
    }),
  );
  progress.finish();
  const seconds = (performance.now() - start) / 1000;
  const source = { weights, data: flags.data, split: flags.split };
  const evaluation: Evaluation = { source, protocol, dataset, confusion, seconds };
  if (errors && flags.out) await write(evaluation, { errors, folder: flags.out });
  if (flags.store) await store(evaluation);
  if (flags.json) tellJson(evaluation);
  else tell(evaluation, flags);
}

async function write(
  { source, protocol, dataset, confusion }: Evaluation,
  { errors, folder }: { readonly errors: ErrorWriter; readonly folder: string },
): Promise<void> {
  const { names } = dataset.classes;
  const figures = headline(confusion.scores(), protocol.rules.mean);
  await errors.finish(confusion, {
    title: `${basename(source.weights)} on ${source.data} (${source.split})`,
    protocol: protocolText(protocol),
    summary: [
      ["mIoU %", percent(figures.meanIoU)],
      ["mean accuracy %", percent(figures.meanAccuracy)],
      ["pixel accuracy %", percent(figures.pixelAccuracy)],
      ["images", String(dataset.length)],
    ],
  });
  const svg = await confusionSvg(confusion, names);
  await atomicWrite(join(folder, "confusion.svg"), svg);
  await atomicWrite(join(folder, "confusion.png"), await svgToPng(svg));
  const counts = { ...source, protocol, names, ...confusion.toJSON() };
  await atomicWrite(join(folder, "confusion.json"), JSON.stringify(counts));
}

/** Writes the figures, the protocol and the command into the weights file, which is otherwise as it was. */
async function store({ source, protocol, confusion }: Evaluation): Promise<void> {
  const { weights, data, split } = source;
  const { metadata, tensors } = readSafetensors(await readFile(weights));
  const { meanIoU, pixelAccuracy } = headline(confusion.scores(), protocol.rules.mean);
  const score = { meanIoU, pixelAccuracy, dataset: `${data} (${split})`, protocol: protocolText(protocol) };
  const command = ["pspnet", ...process.argv.slice(2).filter((word) => word !== "--store")].map(shellWord).join(" ");
  const told = describeWeights({ ...parseDescription(metadata, { source: weights }), score, command });
  await atomicWrite(weights, safetensorsPieces(tensors, told));
  messages.write(`stored in ${weights}: ${score.protocol}\n`);
}

function tellJson({ source, protocol, dataset, confusion, seconds }: Evaluation): void {
  const scores = confusion.scores();
  const classes = scores.classes.map((score, id) => ({ name: dataset.classes.names[id], ...score }));
  const figures = headline(scores, protocol.rules.mean);
  printJson({ ...source, protocol, images: dataset.length, seconds, ...scores, ...figures, classes });
}

function tell({ protocol, dataset, confusion, seconds }: Evaluation, { out }: ValFlags): void {
  const scores = confusion.scores();
  const figures = headline(scores, protocol.rules.mean);
  print(classTable(scores, dataset.classes.names));
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
  if (!out) return;
  print(`errors to look at: ${fromHere(join(out, "index.html"))}`);
  print(`confusion matrix: ${fromHere(join(out, "confusion.png"))}`);
}
