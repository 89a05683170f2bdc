import { existsSync } from "node:fs";
import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { appendMetrics, type MetricsRow, openMetrics, readMetrics } from "./metricsCsv.js";

let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-metrics-"));
  file = join(folder, "metrics.csv");
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const rows: MetricsRow[] = [
  { step: 1, epoch: 1, seconds: 0.5, loss: 2.25, lr: 0.01 },
  { step: 2, epoch: 1, seconds: 1, loss: 1.5, lr: 1e-7 },
  { step: 2, epoch: 1, seconds: 1, pixelAccuracy: 0.5, meanAccuracy: 0.25, meanIoU: 0 },
  { step: 3, epoch: 2, seconds: 1.5, loss: 1.25, lr: 0.008 },
];

test("rows are read back as they were written", async () => {
  expect(await openMetrics(file, { resumeStep: 0 })).toEqual([]);
  await appendMetrics(file, rows.slice(0, 2));
  await appendMetrics(file, []);
  await appendMetrics(file, rows.slice(2));
  expect(await readMetrics(file)).toEqual(rows);
  expect((await readFile(file, "utf8")).split("\n").slice(0, 4)).toEqual([
    "step,epoch,seconds,loss,lr,pixelAccuracy,meanAccuracy,meanIoU",
    "1,1,0.5,2.25,0.01,,,",
    "2,1,1,1.5,1e-7,,,",
    "2,1,1,,,0.5,0.25,0",
  ]);
});

test("a resumed run goes on after the step of its checkpoint", async () => {
  await openMetrics(file, { resumeStep: 0 });
  await appendMetrics(file, rows);
  expect(await openMetrics(file, { resumeStep: 2 })).toEqual(rows.slice(0, 3));
  await appendMetrics(file, rows.slice(3));
  expect(await readMetrics(file)).toEqual(rows);
});

test("a line that was cut off by a kill is left out, also after more was appended", async () => {
  await openMetrics(file, { resumeStep: 0 });
  await appendMetrics(file, rows);
  await appendFile(file, "4,2,2.0,1.1");
  expect(await readMetrics(file)).toEqual(rows);
  expect(await openMetrics(file, { resumeStep: 100 })).toEqual(rows);
  expect(await readFile(file, "utf8")).not.toContain("1.1");
});

test("no file has no rows, and an empty one neither", async () => {
  expect(await readMetrics(file)).toEqual([]);
  await writeFile(file, "");
  expect(await readMetrics(file)).toEqual([]);
});

test("a file of another program is not overwritten", async () => {
  await writeFile(file, "time,loss\n1,2\n");
  await expect(openMetrics(file, { resumeStep: 5 })).rejects.toThrow(
    /metrics\.csv: expected the columns step,.*time,loss/,
  );
  expect(await readFile(file, "utf8")).toBe("time,loss\n1,2\n");
});

test.skipIf(!existsSync("/dev/full"))("a full disk is named", async () => {
  await expect(appendMetrics("/dev/full", rows)).rejects.toMatchObject({
    code: "environment",
    message: expect.stringContaining("/dev/full: the disk is full"),
  });
});
