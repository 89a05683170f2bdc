import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { atomicWrite } from "./atomicWrite.js";
import { makeFolder } from "./makeFolder.js";
import { createRunFolder } from "./runFolder.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-folder-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test("folders are made with those above them, by many at once, and one that is there is left", async () => {
  await Promise.all(Array.from({ length: 8 }, () => makeFolder(join(folder, "a", "b", "c"))));
  await writeFile(join(folder, "a", "b", "c", "file"), "");
  await makeFolder(join(folder, "a", "b", "c"));
  expect(await readdir(join(folder, "a", "b", "c"))).toEqual(["file"]);
});

test("a file in the way is an error", async () => {
  await writeFile(join(folder, "file"), "");
  await expect(makeFolder(join(folder, "file"))).rejects.toMatchObject({ code: "EEXIST" });
  await expect(makeFolder(join(folder, "file", "a"))).rejects.toThrow();
});

test.skipIf(process.platform !== "linux")(
  "a place that can have no folder is an error, and nothing waits",
  async () => {
    const message = expect.stringMatching(/could not be written .*; no folder can be made there; choose another/);
    await expect(atomicWrite("/proc/pspnet/a", "x")).rejects.toMatchObject({ code: "environment", message });
    await expect(createRunFolder("/proc/pspnet", "a")).rejects.toMatchObject({ code: "environment", message });
  },
);
