import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  ConfusionMatrix,
  describeWeights,
  headline,
  PspnetError,
  parseDescription,
  protocolText,
  readSafetensors,
  safetensorsPieces,
} from "@pspnet/core";
import { evaluateApart, evaluateTogether, type WrittenEvaluationTask } from "../evaluation/evaluateTogether.js";
import type { Evaluation } from "../evaluation/evaluation.js";
import { mergeParts } from "../evaluation/mergeParts.js";
import { readParts, writePart } from "../evaluation/partFile.js";
import { writeMerged } from "../evaluation/writeMerged.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { publishedWeights } from "../pull/weightsFile.js";
import { launchWork } from "../ranks/launchWork.js";
import { type Share, shareLength } from "../ranks/share.js";
import { counted } from "../report/counted.js";
import { shellWord } from "../report/shellWord.js";
import { classTable, percent } from "../report/table.js";
import { type ProtocolFlags, protocolChoice } from "./protocolFlags.js";
import { checkShard, type RankFlags, threadsOf } from "./rankFlags.js";
import { fromHere, interruptible, messages, print, printJson } from "./terminal.js";

interface EvaluationFlags {
  readonly data?: string;
  readonly out?: string;
  readonly worst: number;
  readonly json?: true;
}

interface ValFlags extends EvaluationFlags, ProtocolFlags, RankFlags {
  readonly data: string;
  readonly split: string;
  readonly format?: string;
  readonly store?: true;
  readonly json?: true;
}

interface MergeFlags extends EvaluationFlags {
  readonly merge: readonly string[];
}

/** Of an evaluation that lost a rank. */
const KEPT = "nothing is scored; start it again";
const RANK = new URL("valRank.js", import.meta.url);

export async function val(weights: string, flags: ValFlags): Promise<void> {
  if (flags.store && publishedWeights(weights)) {
    const mend = "give the file that `pspnet pull` tells, or a copy of it";
    throw new PspnetError("usage", `--store: expected a weights file, found the published name ${weights}; ${mend}`);
  }
  checkShard(flags, flags.store ? "--store" : undefined);
  const { data, split, format, out = null, worst, runtime, precision, device, offline, shard } = flags;
  const network = { runtime, precision, device, threads: threadsOf(flags), offline };
  const task = { weights, data, split, format, network, choice: protocolChoice(flags), out, worst };
  if (shard) return valShard(task, shard, flags);
  const options = { ...flags, threads: network.threads, entry: RANK, kept: KEPT, stream: messages };
  const launched = await interruptible((signal) => launchWork(evaluateTogether, task, { ...options, signal }));
  if ("elsewhere" in launched) {
    if (launched.elsewhere === "failed") process.exitCode = 1;
    return;
  }
  const evaluation = launched.result!;
  if (flags.store) await store(evaluation);
  tell(evaluation, flags, `in ${evaluation.seconds.toFixed(1)} s`);
}

async function valShard(task: WrittenEvaluationTask, shard: Share, { out = ".", json }: ValFlags): Promise<void> {
  const part = await interruptible((signal) => evaluateApart(task, shard, { signal, stream: messages }));
  const file = fromHere(await writePart(out, part));
  const images = shareLength(part.dataset.images, shard);
  if (json) printJson({ file, part: shard, images, seconds: part.seconds });
  else
    print(`part ${shard.number} of ${shard.of}, ${counted(images, "image")} in ${part.seconds.toFixed(1)} s: ${file}`);
}

/** What `val --merge` is told beside its own flags, which is refused. */
export interface BesideMerge {
  readonly weights: string | undefined;
  /** Flags, as `--crop`. */
  readonly given: readonly string[];
}

const MERGE_FLAGS = ["--merge", "--data", "--out", "--worst", "--json"];

export async function merge(flags: MergeFlags, { weights, given }: BesideMerge): Promise<void> {
  const other = weights ?? given.find((flag) => !MERGE_FLAGS.includes(flag));
  if (other !== undefined) {
    const mend = "the parts say what was scored and how; leave it out";
    throw new PspnetError("usage", `val --merge: expected parts alone, found ${other}; ${mend}`);
  }
  const { out, worst, data } = flags;
  const parts = await readParts(flags.merge);
  const evaluation = mergeParts(parts);
  if (out !== undefined) await writeMerged(evaluation, { parts, out, worst, data });
  tell(evaluation, flags, `in ${counted(parts.length, "part")}, ${evaluation.seconds.toFixed(1)} s of all together`);
}

/** Writes the figures, the protocol and the command into the weights file, which is otherwise as it was. */
async function store({ weights: { file }, dataset: { data, split }, protocol, ...found }: Evaluation): Promise<void> {
  const { metadata, tensors } = readSafetensors(await readFile(file));
  const { meanIoU, pixelAccuracy } = headline(scoresOf(found), protocol.rules.mean);
  const score = { meanIoU, pixelAccuracy, dataset: `${data} (${split})`, protocol: protocolText(protocol) };
  const command = ["pspnet", ...process.argv.slice(2).filter((word) => word !== "--store")].map(shellWord).join(" ");
  const told = describeWeights({ ...parseDescription(metadata, { source: file }), score, command });
  await atomicWrite(file, safetensorsPieces(tensors, told));
  messages.write(`stored in ${file}: ${score.protocol}\n`);
}

const scoresOf = ({ names, counts }: Pick<Evaluation, "names" | "counts">) =>
  new ConfusionMatrix(names.length, counts).scores();

function tell(evaluation: Evaluation, { out, json }: EvaluationFlags, how: string): void {
  if (json) tellJson(evaluation);
  else tellTable(evaluation, how);
  if (json || out === undefined) return;
  print(`errors to look at: ${fromHere(join(out, "index.html"))}`);
  print(`confusion matrix: ${fromHere(join(out, "confusion.png"))}`);
}

function tellJson({ weights, dataset, protocol, names, counts, seconds }: Evaluation): void {
  const scores = scoresOf({ names, counts });
  const classes = scores.classes.map((score, id) => ({ name: names[id], ...score }));
  const figures = headline(scores, protocol.rules.mean);
  const { data, split, images } = dataset;
  printJson({ weights: weights.file, data, split, protocol, images, seconds, ...scores, ...figures, classes });
}

function tellTable({ dataset, protocol, names, counts }: Evaluation, how: string): void {
  const scores = scoresOf({ names, counts });
  const figures = headline(scores, protocol.rules.mean);
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
  print(`${counted(dataset.images, "image")} ${how}`);
}
