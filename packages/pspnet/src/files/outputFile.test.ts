import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { atomicWrite } from "./atomicWrite.js";
import { outputFile, refuseOverInput } from "./outputFile.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-output-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it("is no device", async () => {
  await expect(outputFile("/dev/null")).rejects.toThrow("/dev/null: expected the name of a file, found a device");
});

it("is where a link leads, which stays a link", async () => {
  const [file, link] = ["file", "link"].map((name) => join(folder, name));
  await writeFile(file, "old");
  await symlink(file, link);
  await atomicWrite(link, "new");
  expect(await readFile(file, "utf8")).toBe("new");
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
});

it("is none of those that are read, by whatever name", async () => {
  const [file, link] = ["weights", "same"].map((name) => join(folder, name));
  await writeFile(file, "weights");
  await symlink(file, link);
  await expect(refuseOverInput(link, [file])).rejects.toThrow("expected another file than is read");
  await refuseOverInput(join(folder, "new"), [file]);
});
