import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createRunFolder } from "./runFolder.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-runs-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("runs that start at once get folders of their own", async () => {
  const made = await Promise.all(Array.from({ length: 8 }, () => createRunFolder(join(folder, "runs"), "a")));
  expect(made.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  expect((await readdir(join(folder, "runs"))).sort()).toEqual(["a", "a-2", "a-3", "a-4", "a-5", "a-6", "a-7", "a-8"]);
});

test("a place that cannot hold one is named", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(createRunFolder(join(folder, "file"), "a")).rejects.toMatchObject({
    code: "environment",
    message: expect.stringMatching(/file.a: could not be written .* choose another/),
  });
});
