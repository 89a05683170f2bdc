import { join } from "node:path";
import { PspnetError } from "@pspnet/core";
import { checkInit } from "../ablate/checkInit.js";
import { type ExpectedTime, expectedTime } from "../ablate/expectedTime.js";
import { allScores, type RunScores, readScores } from "../ablate/scores.js";
import { parseSettings, type Settings } from "../ablate/settings.js";
import { planRuns, planTables, type StudyRun, type StudyTable } from "../ablate/study.js";
import { checkStudyFolder, openStudyFolder } from "../ablate/studyFolder.js";
import { claimResults, tableResults } from "../ablate/summary.js";
import { paperClaims } from "../ablate/tables.js";
import { type FailedRun, trainRuns } from "../ablate/trainRuns.js";
import { CLAIM_HEAD, claimCells, type Findings, TABLE_HEAD, tableCells, writeTables } from "../ablate/writeTables.js";
import { openDataset } from "../data/dataset.js";
import { shareOf } from "../ranks/share.js";
import { counted } from "../report/counted.js";
import { duration, Progress } from "../report/progress.js";
import { shellWord } from "../report/shellWord.js";
import { percent, table } from "../report/table.js";
import { fromHere, interruptible, messages, print } from "./terminal.js";

interface AblateFlags {
  readonly table?: readonly number[];
  readonly list?: true;
  readonly show?: true;
}

/** A study, and what of it is asked for. */
interface Work {
  readonly settings: Settings;
  readonly tables: readonly StudyTable[];
  /** The tables that are asked for. */
  readonly chosen: readonly StudyTable[];
  /** Their runs that are this process's. */
  readonly runs: readonly StudyRun[];
}

export async function ablate(words: readonly string[], flags: AblateFlags): Promise<void> {
  const settings = parseSettings(words, process.cwd());
  const tables = planTables(settings.base, settings.depths);
  const chosen = tables.filter(({ number }) => flags.table?.includes(number) ?? true);
  const runs = shareOf(planRuns(chosen, settings), settings.shard);
  const work = { settings, tables, chosen, runs };
  const there = await checkStudyFolder(settings);
  if (flags.list) return list(work);
  if (flags.show) {
    if (!there)
      throw new PspnetError(
        "usage",
        `--show: expected a study in ${settings.folder}, found none; leave --show out to begin it`,
      );
    return show(work);
  }
  checkInit(chosen);
  const failed = await trainAll(
    work,
    ["npx pspnet ablate", ...words.map(shellWord), ...(flags.table ? [`--table ${flags.table}`] : [])].join(" "),
  );
  await show(work);
  for (const { id, message } of failed) messages.write(`pspnet: ${id}: ${message}\n`);
  if (failed.length > 0) process.exitCode = 1;
}

/** Trains and scores what is not done; the scores of each come out as it ends. */
async function trainAll({ settings, runs }: Work, command: string): Promise<FailedRun[]> {
  const { folder, scale, jobs } = settings;
  return interruptible(async (signal) => {
    let scenes: Progress | undefined;
    await openStudyFolder(settings, {
      signal,
      onWait: (message) => messages.write(`${message}\n`),
      onScene: (done, total) => {
        scenes ??= new Progress(messages, { label: "scenes", total });
        scenes.update(done);
      },
    });
    scenes?.finish();
    for (const split of ["train", "val"]) await openDataset(settings.base.data, split);
    const open = await unfinished(runs, folder);
    if (open.length === 0) return [];
    const progress = new Progress(messages, { label: "runs", total: runs.length, start: runs.length - open.length });
    const shares = new Map<string, number>();
    let done = runs.length - open.length;
    const update = () =>
      progress.update(Math.round(10 * (done + [...shares.values()].reduce((a, b) => a + b, 0))) / 10);
    update();
    const tasks = open.map((run) => ({ ...run, study: folder, protocols: scale.tests }));
    try {
      return await trainRuns(tasks, {
        jobs,
        signal,
        onStep: ({ id }, share) => {
          shares.set(id, share);
          update();
        },
        onDone: ({ id }, scores) => {
          shares.delete(id);
          if (scores) done++;
          progress.log(scores ? `${id}: ${scoresText(scores)}` : `${id}: another process has it`);
          update();
        },
      });
    } catch (error) {
      if (!signal.aborted) throw error;
      const left = `${done} of ${counted(runs.length, "run")} done, what was begun is saved`;
      throw new PspnetError("interrupted", `stopped with ${left}; go on with\n  ${command}`);
    } finally {
      progress.finish();
    }
  });
}

function scoresText({ tests, seconds }: RunScores): string {
  const found = Object.entries(tests).map(
    ([test, { meanIoU }]) => `mIoU ${percent(meanIoU)} %${test === "multi" ? " at several scales" : ""}`,
  );
  return [...found, duration(seconds)].join(", ");
}

/** The runs that lack a score. */
async function unfinished(runs: readonly StudyRun[], folder: string): Promise<StudyRun[]> {
  const scores = await Promise.all(runs.map(({ id }) => readScores(folder, id)));
  return runs.filter(({ tests }, i) => tests.some((test) => !scores[i]?.tests[test]));
}

async function list({ settings, chosen, runs }: Work): Promise<void> {
  const scores = await allScores(settings.folder);
  const open = new Set(await unfinished(runs, settings.folder));
  const seconds: ExpectedTime = await expectedTime(settings, { runs, scores });
  const tablesOf = ({ variant }: StudyRun) =>
    chosen.filter(({ rows }) => rows.some((row) => row.variant.name === variant)).map(({ number }) => number);
  const rows = runs.map((run) => [
    run.id,
    tablesOf(run).join(" "),
    run.tests.join(" "),
    open.has(run) ? duration(seconds(run)) : "done",
  ]);
  print(table(["run", "tables", "scored", "time"], rows));
  const left = [...open].reduce((sum, run) => sum + seconds(run), 0);
  const { jobs } = settings;
  print(
    `\n${counted(open.size, "run")} of ${runs.length} to train, ${duration(left / jobs)} expected, ${counted(jobs, "run")} at a time`,
  );
}

async function show({ settings, tables, chosen }: Work): Promise<void> {
  const { folder, depths } = settings;
  const scores = await allScores(folder);
  if (scores.length === 0) return print("no run is done yet");
  const results = tableResults(tables, scores);
  const findings: Findings = { tables: results, claims: claimResults(paperClaims(depths), results), scores };
  await writeTables(folder, findings);
  const numbers = chosen.map(({ number }) => number);
  const wanted = (number: number) => numbers.includes(number);
  for (const result of results.filter(({ number }) => wanted(number)))
    print(`Table ${result.number}: ${result.title}\n${table(TABLE_HEAD, tableCells(result))}\n`);
  const claims = findings.claims.filter(({ above, below }) => wanted(above.table) && wanted(below.table));
  if (claims.length > 0) print(`${table(CLAIM_HEAD, claimCells(claims))}\n`);
  print(`tables and pictures: ${fromHere(join(folder, "tables.md"))}`);
}
