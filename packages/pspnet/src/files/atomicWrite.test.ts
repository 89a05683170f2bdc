import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { atomicWrite, removeTemporaryFiles } from "./atomicWrite.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-atomic-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** A disk of one mebibyte, or null where mounting is not allowed. */
function mountSmallDisk(place: string): (() => void) | null {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m", "tmpfs", place], { stdio: "ignore" });
    return () => execFileSync("umount", [place]);
  } catch {
    return null;
  }
}

test("on a full disk the old file survives and the message has the figures", async ({ skip }) => {
  const unmount = mountSmallDisk(folder);
  if (!unmount) skip("mounting a small disk is not allowed here; the simulated full disk below stands in");
  try {
    const file = join(folder, "weights.bin");
    const old = new Uint8Array(400_000).fill(7);
    await atomicWrite(file, old);
    const pieces = function* () {
      for (let i = 0; i < 8; i++) yield new Uint8Array(2 ** 18);
    };
    await expect(atomicWrite(file, pieces())).rejects.toMatchObject({
      code: "environment",
      message: expect.stringMatching(
        /weights\.bin: the disk is full \(2\.0 MB are needed, 0\.6 MB are free\); .*untouched.*resume=true/,
      ),
    });
    expect(new Uint8Array(await readFile(file))).toEqual(old);
    expect(await readdir(folder)).toEqual(["weights.bin"]);
    await atomicWrite(file, "it fits again");
    expect(await readFile(file, "utf8")).toBe("it fits again");
  } finally {
    unmount?.();
  }
});

test("a simulated full disk: the old file survives and the rest is counted", async () => {
  const file = join(folder, "weights.bin");
  await writeFile(file, "old");
  let given = 0;
  const pieces: Iterable<Uint8Array> = {
    [Symbol.iterator]: () => ({
      next() {
        given++;
        if (given === 2) throw Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC" });
        return given < 5 ? { value: new Uint8Array(2 ** 20) } : { done: true, value: undefined };
      },
    }),
  };
  await expect(atomicWrite(file, pieces)).rejects.toThrow(
    /the disk is full \(3\.0 MB are needed, [\d.]+ MB are free\)/,
  );
  expect(await readFile(file, "utf8")).toBe("old");
  expect(await readdir(folder)).toEqual(["weights.bin"]);
});

test("a folder in the file's place is named, with the mend", async () => {
  await mkdir(join(folder, "here", "inside"), { recursive: true });
  await expect(atomicWrite(join(folder, "here"), "x")).rejects.toThrow(/here: could not be written .*another name/);
  await expect(atomicWrite(join(folder, "here"), "x")).rejects.toMatchObject({ code: "environment" });
  expect(await readdir(folder)).toEqual(["here"]);
});

test("an error of the content's maker comes through as it is", async () => {
  const pieces = function* (): Generator<Uint8Array> {
    yield new Uint8Array(1);
    throw new RangeError("no such tensor");
  };
  await expect(atomicWrite(join(folder, "a"), pieces())).rejects.toThrow(new RangeError("no such tensor"));
  expect(await readdir(folder)).toEqual([]);
});

test("names as long as the system allows can be written", async () => {
  const name = "n".repeat(250);
  await atomicWrite(join(folder, name), "x");
  expect(await readdir(folder)).toEqual([name]);
});

test("what a killed process left is removed, and nothing else", async () => {
  for (const name of [".a.bin.0123abcd.part", ".hidden", "b.part", "a.bin"]) await writeFile(join(folder, name), "");
  await removeTemporaryFiles(folder);
  expect((await readdir(folder)).sort()).toEqual([".hidden", "a.bin", "b.part"]);
  await removeTemporaryFiles(join(folder, "none"));
});
