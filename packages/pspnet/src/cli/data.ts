import { basename, join } from "node:path";
import type { Size } from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { type CheckReport, checkDataset, formatCheckReport } from "../data/check.js";
import { openDataset } from "../data/dataset.js";
import { PREPARATIONS } from "../data/prepare/preparations.js";
import { formatPreparedness, prepare } from "../data/prepare/prepare.js";
import { writeScenes } from "../data/writeScenes.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { contactSheet } from "../report/contactSheet.js";
import { counted } from "../report/counted.js";
import { Progress } from "../report/progress.js";
import { shellWord } from "../report/shellWord.js";
import { StagedProgress } from "../report/stagedProgress.js";
import { fromHere, interruptible, messages, print, printJson } from "./terminal.js";

interface CheckFlags {
  readonly split: readonly string[];
  readonly format?: string;
  readonly classes?: string;
  readonly out?: string;
  readonly json?: true;
}

/** Looks every sample of the splits over; exit code 1 when something would stop a run or spoil it. */
export async function check(folder: string, { split, out, json, ...flags }: CheckFlags): Promise<void> {
  const { data, channels } = await loadDataConfig(folder, flags);
  const place = out ?? join("runs", `check-${basename(data.root)}`);
  const splits: Record<string, CheckReport & { readonly sheet: string }> = {};
  for (const name of split) {
    const labels = name === "train" || name === "val" ? "required" : "optional";
    const dataset = await openDataset(data, name, { strict: false, labels, channels });
    const progress = new Progress(messages, { label: name, total: dataset.length });
    const report = await checkDataset(dataset, { onProgress: (done) => progress.update(done) });
    progress.finish();
    if (!json) print(`${name}\n${formatCheckReport(report)}`);
    const sheet = join(place, sheetName(name));
    await atomicWrite(sheet, await contactSheet(dataset, { count: 12 }));
    if (!json) print(`contact sheet: ${fromHere(sheet)}\n`);
    splits[name] = { ...report, sheet };
  }
  const report = { data: folder, splits };
  await atomicWrite(join(place, "check.json"), `${JSON.stringify(report, null, 2)}\n`);
  if (json) printJson(report);
  if (Object.values(splits).some(({ problems }) => problems.length > 0)) process.exitCode = 1;
}

/** `train.png` of train, `lists-mine.png` of the list lists/mine.txt. */
function sheetName(split: string): string {
  return `${split.replace(/\.\w+$/, "").replaceAll(/[\\/]+/g, "-")}.png`;
}

interface PrepareFlags {
  readonly out?: string;
  readonly sbd?: string;
  readonly seed: number;
  readonly json?: true;
}

/** Turns a dataset into what training reads; exit code 1 when something of it is missing or wrong. */
export async function prepareDataset(
  name: string,
  folder: string,
  { out, seed, json, ...also }: PrepareFlags,
): Promise<void> {
  const preparation = PREPARATIONS.find((one) => one.name === name)!;
  const progress = new StagedProgress(messages);
  const onProgress = (what: string, done: number, total: number) => progress.update(what, done, total);
  const made = await interruptible((signal) => prepare(preparation, { folder, out, also, seed, signal, onProgress }));
  progress.finish();
  if (json) printJson(made);
  else print(formatPreparedness(made, shellWord(fromHere(made.config))));
  if (made.problems.length > 0) process.exitCode = 1;
}

interface MakeFlags {
  readonly train: number;
  readonly val: number;
  readonly size: Size;
  readonly seed: number;
}

export async function makeScenes(folder: string, { train, val, size, seed }: MakeFlags): Promise<void> {
  const progress = new Progress(messages, { label: "scenes", total: train + val });
  await writeScenes({ folder, train, val, ...size, seed }, { onProgress: (done) => progress.update(done) });
  progress.finish();
  const scenes = `${train} training and ${counted(val, "validation scene")}`;
  print(`${scenes} of ${size.height}x${size.width} in ${fromHere(folder)}`);
}
