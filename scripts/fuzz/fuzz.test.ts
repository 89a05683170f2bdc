/** A short run of `npm run fuzz`, in this process. */
import { expect, it } from "vitest";
import { judge } from "./judge.js";
import { inputOf } from "./mutate.js";
import { TARGETS, type Target } from "./targets.js";

const RUNS = 3000;

async function problems(target: Target, count: number): Promise<string[]> {
  const originals = target.originals();
  const found: string[] = [];
  for (let index = 0; index < count; index++) {
    const verdict = await judge(target, inputOf(originals, 0, index));
    if (verdict.kind === "failed") found.push(`${index}: ${verdict.problem}`);
  }
  return found;
}

it.each(TARGETS)("$name: mutated files are read, or refused by errors of ours", async (target) => {
  expect(await problems(target, (RUNS * target.share) / 100)).toEqual([]);
});

it.each(TARGETS)("$name: files as they are are read", async (target) => {
  for (const input of target.originals()) expect(await judge(target, input)).toEqual({ kind: "accepted" });
});
