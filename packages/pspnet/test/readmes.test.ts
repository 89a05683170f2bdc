import { spawnSync } from "node:child_process";
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

it.each([
  ["checkpoints", /^layer\.weight bfloat16 \[ 2, 2 \] Float32Array\(4\) \[ 1, -2, 0\.5, 3 \]\nMIT\n$/],
  ["scenes", /^street 230400 sky\n$/],
])("the example in the README of %s does what it says", (name, expected) => {
  const readme = readFileSync(new URL(`../../${name}/README.md`, import.meta.url), "utf8");
  // Beside this test, so that the package is found by its name; it is plain JavaScript as well.
  const file = fileURLToPath(new URL(`./readme.${name}.mjs`, import.meta.url));
  writeFileSync(file, /```ts\n([\s\S]*?)```/.exec(readme)![1]);
  try {
    const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
    expect(stderr).toBe("");
    expect(stdout).toMatch(expected);
  } finally {
    rmSync(file);
  }
});
