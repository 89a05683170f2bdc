import { spawnSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FolderLock } from "./folderLock.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-lock-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const lockOfRun = () => new FolderLock({ what: "a run", doing: "trains into it" });

const left = (owner: object) => writeFile(join(folder, "lock.json"), JSON.stringify(owner));

/** The number of a process that has ended. */
const ended = () => spawnSync(process.execPath, ["--version"]).pid;

test("a run has one process, until it lets go", async () => {
  {
    await using first = lockOfRun();
    await first.take(folder);
    await using second = lockOfRun();
    await expect(second.take(folder)).rejects.toMatchObject({
      code: "environment",
      message: expect.stringContaining(`process ${process.pid} on ${hostname()} trains into it; let it end first`),
    });
  }
  expect(await readdir(folder)).toEqual([]);
  await using third = lockOfRun();
  await third.take(folder);
  expect(third.leftBehind).toBeNull();
});

test("a folder that another process has can be waited for, until the signal", async () => {
  const [first, second, third] = [lockOfRun(), lockOfRun(), lockOfRun()];
  await first.take(folder);
  const told: string[] = [];
  const waiting = second.wait(folder, { onWait: (message) => told.push(message) });
  const { signal } = ((controller) => {
    setTimeout(() => controller.abort(new Error("enough")), 150);
    return controller;
  })(new AbortController());
  await expect(third.wait(folder, { signal, onWait: () => {} })).rejects.toThrow("enough");
  await first[Symbol.asyncDispose]();
  await waiting;
  expect(told).toEqual([
    expect.stringContaining(`process ${process.pid} on ${hostname()} trains into it; waiting for it`),
  ]);
  await expect(lockOfRun().take(folder)).rejects.toThrow("trains into it");
  await second[Symbol.asyncDispose]();
});

test("of many that want it at once one has it, also when it was left behind", async () => {
  for (const before of [{}, { pid: ended(), host: hostname(), began: null }]) {
    if ("pid" in before) await left(before);
    const locks = Array.from({ length: 8 }, () => lockOfRun());
    const results = await Promise.allSettled(locks.map((lock) => lock.take(folder)));
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const lock of locks) await lock[Symbol.asyncDispose]();
    expect(await readdir(folder)).toEqual([]);
  }
});

describe("one that was left behind", () => {
  test("is taken over when its process has ended, and that is said", async () => {
    const pid = ended();
    await left({ pid, host: hostname(), began: null });
    await using lock = lockOfRun();
    await lock.take(folder);
    expect(lock.leftBehind).toBe(`${folder}: process ${pid} has ended without letting go of it; it is taken over`);
    expect(JSON.parse(await readFile(join(folder, "lock.json"), "utf8")).pid).toBe(process.pid);
  });

  test.skipIf(process.platform !== "linux")("is taken over when its number is now another process's", async () => {
    await left({ pid: process.pid, host: hostname(), began: "1" });
    await using lock = lockOfRun();
    await lock.take(folder);
    expect(lock.leftBehind).toContain(`process ${process.pid} has ended`);
  });

  test.each([
    ["on another machine", { pid: 1, host: "elsewhere", began: null }, "process 1 on elsewhere trains into it"],
    ["by nobody known", {}, "another process begins to"],
  ])("%s is not: it says what to delete", async (_where, owner, message) => {
    await left(owner);
    await expect(lockOfRun().take(folder)).rejects.toThrow(`${message}; let it end first, or delete ${folder}`);
    expect(await readdir(folder)).toEqual(["lock.json"]);
  });
});
