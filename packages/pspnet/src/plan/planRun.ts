import { rm } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { PspnetError } from "@pspnet/core";
import { completeConfig } from "../config/load.js";
import type { TrainConfig } from "../config/schema.js";
import { isTree, type Tree } from "../config/tree.js";
import { openDataset } from "../data/dataset.js";
import { atomicWrite } from "../files/atomicWrite.js";
import { createRunFolder, runFolder } from "../files/runFolder.js";
import { counted } from "../report/counted.js";
import type { TextStream } from "../report/progress.js";
import { StagedProgress } from "../report/stagedProgress.js";
import { PLAN } from "../train/runReport.js";
import { type DataFacts, lookAtData } from "./dataFacts.js";
import { memoryText } from "./decisions.js";
import { findData } from "./findData.js";
import { lookAtMachine, type MachineFacts } from "./machineFacts.js";
import { type Plan, plan } from "./plan.js";

export interface PlanRunOptions {
  /** Keys that are given: they stand. */
  readonly given: Tree;
  readonly signal?: AbortSignal;
  readonly stream?: TextStream;
}

/** A run that was planned, in a folder of its own. */
export interface PlannedRun extends Plan {
  /** Of the run: `runs/<name>`, or `<name>-2` where that was there. */
  readonly folder: string;
}

/** Lines of problems that are shown. */
const SHOWN = 5;

/**
 * Plans how to train on somebody's folder: looks over what is there and at the machine, and makes a run's folder with the lists of its
 * splits. It tells on `stream` what it chose and why, and writes the same to `plan.txt`. When it fails the folder is gone.
 *
 * @throws PspnetError "data" for a folder that cannot be trained on, and as {@link plan}.
 */
export async function planRun(data: string, { given, signal, stream }: PlanRunOptions): Promise<PlannedRun> {
  const root = resolve(data);
  const tree = isTree(given.data) ? given.data : {};
  if ("root" in tree)
    throw new PspnetError("usage", `train: expected data.root or a folder, found both: ${tree.root} and ${data}`);
  const asSaid = completeConfig({ name: nameOf(root), data: { root } }, given, "train");
  const machine = lookAtMachine(asSaid);
  const count = await createRunFolder(asSaid.runs, asSaid.name);
  const folder = runFolder(asSaid.runs, asSaid.name, count);
  const place = join(folder, "data");
  const say = (line: string) => stream?.write(`${line}\n`);
  try {
    const progress = new StagedProgress(stream);
    const found = await findData(root, {
      out: place,
      seed: asSaid.seed,
      said: saidOf(asSaid, tree),
      signal,
      onProgress: (what, done, total) => progress.update(what, done, total),
    }).finally(() => progress.finish());
    const training = await openDataset(found.data, "train");
    const facts = await lookAtData(training, await openDataset(found.data, "val"), { signal });
    const recorded = `who is in which split is written down in ${place}, and stays so when the run is resumed`;
    const notes = [...found.notes, recorded, ...problemLines(found.problems)];
    const lines = [aboutData(root, facts), ...notes, aboutMachine(machine)];
    for (const line of lines) say(line);
    if (count > 1) say(`${join(asSaid.runs, asSaid.name)} exists: this run is ${folder}`);
    const keys = { name: basename(folder), data: found.data };
    const chosen = await plan({ data: facts, machine, keys, given: { ...given, ...keys }, signal, stream });
    const choices = choiceLines(chosen);
    for (const line of choices) say(line);
    await atomicWrite(join(folder, PLAN), [...lines, ...choices, ""].join("\n"));
    return { ...chosen, folder };
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

/** What the run of a folder is called where nothing says. */
export function nameOf(folder: string): string {
  return (
    basename(folder)
      .replaceAll(/[^\w.-]+/g, "-")
      .replace(/^\.+/, "") || "photographs"
  );
}

/** What is said of the data, checked. */
function saidOf({ data }: TrainConfig, given: Tree): Partial<TrainConfig["data"]> {
  return Object.fromEntries(Object.entries(data).filter(([key]) => key in given));
}

function aboutData(root: string, { training, validation, classes, size, mixed }: DataFacts): string {
  const sizes = `${mixed ? "about " : ""}${size.height}x${size.width}`;
  const counts = `${counted(training, "photograph")} to train on, ${validation} to validate on`;
  return `${root}: ${counts}, ${sizes}; ${classes.length} classes: ${named(classes)}`;
}

function named(classes: readonly string[]): string {
  return classes.length <= SHOWN ? classes.join(", ") : `${classes.slice(0, SHOWN).join(", ")}...`;
}

function problemLines(problems: readonly string[]): string[] {
  if (problems.length === 0) return [];
  const more = problems.length > SHOWN ? [`  and ${problems.length - SHOWN} more`] : [];
  return [
    `${counted(problems.length, "problem")}, left out:`,
    ...problems.slice(0, SHOWN).map((line) => `  ${line}`),
    ...more,
  ];
}

function aboutMachine({ device, cores, threads, precision, memory }: MachineFacts): string {
  const where = device === "cuda" ? "a GPU" : `${counted(cores, "core")}, ${counted(threads, "thread")}`;
  return `machine: ${where}, ${precision}, ${memoryText(memory)} free`;
}

function choiceLines({ choices }: Plan): string[] {
  const width = Math.min(40, Math.max(...choices.map(({ setting }) => setting.length)));
  const lines = choices.map(({ setting, why }) => `  ${setting.padEnd(width)}  ${why}`);
  return ["chosen, and why; key=value says otherwise:", ...lines];
}
