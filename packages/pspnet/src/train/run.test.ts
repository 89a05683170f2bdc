import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfusionMatrix } from "@pspnet/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { validateTrainConfig } from "../config/validate.js";
import { NEW_RUN, type TrainState } from "./checkpoint.js";
import { Run } from "./run.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-run-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const classes = {
  names: ["sea", "land"],
  palette: [
    [0, 0, 255],
    [0, 128, 0],
  ] as const,
};
/** mIoU 54.17 %, and 2.27 %. */
const good = new ConfusionMatrix(2, [30, 10, 0, 5]);
const bad = new ConfusionMatrix(2, [1, 39, 4, 1]);

async function open(state: TrainState): Promise<Run> {
  const resume = state.step > 0;
  const config = validateTrainConfig({ name: "run", runs: folder, data: { root: "." }, resume }, "test");
  return Run.open(join(folder, "run"), { config, classes, precision: "fp32", steps: 9, state });
}

const file = (name: string) => readFile(join(folder, "run", name), "utf8");
const headings = async () => [...(await file("report.html")).matchAll(/<h2>(.*?)<\/h2>/g)].map(([, text]) => text);

test("the report has the figures of the best and of the last validation, and the best one's tables", async () => {
  const { meanIoU, pixelAccuracy } = good.scores();
  const first = { ...NEW_RUN, epoch: 1, step: 3, best: { epoch: 1, meanIoU, pixelAccuracy } };
  const run = await open(NEW_RUN);
  await run.logStep({ ...NEW_RUN, step: 3 }, { loss: 1, lr: 0.1 });
  await run.logValidation(first, { confusion: good, better: true });
  expect(await file("report.html")).toContain("<b>54.17 %</b>mIoU (best and last, epoch 1)");
  await run.logValidation({ ...first, epoch: 2, step: 6 }, { confusion: bad, better: false });
  await run.close();
  const resumed = await open({ ...first, epoch: 2, step: 6 });
  await resumed.logValidation({ ...first, epoch: 3, step: 9 }, { confusion: bad, better: false });
  await resumed.close();
  const html = await file("report.html");
  expect(html).toContain("<b>54.17 %</b>mIoU (best, epoch 1)");
  expect(html).toContain("<b>2.27 %</b>mIoU (last, epoch 3)");
  expect(html).toContain("<td>sea</td><td>75.00</td>");
  expect(await headings()).toEqual(["Curves", "Classes (best, epoch 1)", "Confusion (best, epoch 1)", "Configuration"]);
  expect(await file("scores.txt")).toMatch(/^sea +75\.00/m);
  expect(JSON.parse(await file("confusion.json"))).toMatchObject({ epoch: 1, counts: [...good.counts] });
});

test("a run of an older program, whose folder has the last matrix, says that the tables are the last one's", async () => {
  const best = { epoch: 1, meanIoU: 0.6, pixelAccuracy: 0.9 };
  const run = await open({ ...NEW_RUN, epoch: 3, step: 9, best });
  await run.logValidation({ ...NEW_RUN, epoch: 4, step: 12, best }, { confusion: bad, better: false });
  await run.close();
  expect(await headings()).toContain("Classes (last, epoch 4)");
});
