import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Tensor } from "@pspnet/torch";
import { expect, it } from "vitest";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");

it("the README's example trains", () => {
  const program = /```ts\n([\s\S]*?)```/.exec(readme)![1];
  // Beside this test, so that the package is found by its name; it is plain JavaScript as well.
  const file = fileURLToPath(new URL("./readme.example.mjs", import.meta.url));
  writeFileSync(file, program);
  try {
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toMatch(/^loss \d\.\de-\d+ true\n$/);
  } finally {
    rmSync(file);
  }
});

it("the README lists every operation", () => {
  const table = readFileSync(new URL("../native/operations.txt", import.meta.url), "utf8");
  const names = [...table.matchAll(/^(\w+)\(/gm)].map(([, name]) => name);
  expect(names.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
  expect(names.length).toBeGreaterThan(80);
  expect(typeof Tensor.prototype.conv2d).toBe("function");
});
