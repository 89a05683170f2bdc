import type { Size } from "@pspnet/core";
import { loadDataConfig } from "../config/load.js";
import { type CheckReport, checkDataset, contactSheet, formatCheckReport } from "../data/check.js";
import { openDataset } from "../data/dataset.js";
import { writeScenes } from "../data/writeScenes.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { encodePng } from "../files/png.js";
import { counted } from "../report/counted.js";
import { Progress } from "../report/progress.js";
import { fromHere, messages, print, printJson } from "./terminal.js";

interface CheckFlags {
  readonly split?: string;
  readonly format: string;
  readonly classes?: string;
  readonly sheet: string;
  readonly json?: true;
}

/** Looks every sample of the splits over; exit code 1 when something would stop a run or spoil it. */
export async function check(folder: string, flags: CheckFlags): Promise<void> {
  const description = await loadDataConfig(folder, flags);
  const reports: Record<string, CheckReport> = {};
  for (const split of flags.split ? [flags.split] : ["train", "val"]) {
    const labels = split === "train" || split === "val" ? "required" : "optional";
    const dataset = await openDataset(description, split, { strict: false, labels });
    const progress = new Progress(messages, { label: split, total: dataset.length });
    reports[split] = await checkDataset(dataset, { onProgress: (done) => progress.update(done) });
    progress.finish();
    if (!flags.json) print(`${split}\n${formatCheckReport(reports[split])}\n`);
    if (split === (flags.split ?? "train"))
      await atomicWrite(flags.sheet, await encodePng(await contactSheet(dataset, { count: 12 })));
  }
  if (flags.json) printJson(reports);
  else print(`contact sheet: ${flags.sheet}`);
  if (Object.values(reports).some(({ problems }) => problems.length > 0)) process.exitCode = 1;
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
