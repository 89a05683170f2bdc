/** Work that ranks share, in ranks of one process. */
import { setTimeout } from "node:timers/promises";
import { PspnetError } from "pspnet";
import { expect, test } from "vitest";
import { gather } from "../src/ranks/gather.js";
import { isOnAllRanks } from "../src/ranks/sharedFailures.js";
import { together } from "../src/ranks/together.js";
import { ranks } from "./support/ranks.js";

const { signal } = new AbortController();

/** Ends when it is told to. */
const until = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

test("all hear of what all have done, and come out with their own result", async () => {
  const heard: number[][] = [[], []];
  const results = await Promise.all(
    ranks(2).map((world, i) => {
      const tally = Float64Array.of(0, 10 * i);
      const work = async () => {
        for (; tally[0] < 3 + i; tally[0]++) await setTimeout(60);
        return `rank ${i}`;
      };
      const onTally = (sums: Float64Array) => heard[i].push(sums[0]) && expect(sums[1]).toBe(10);
      return together(world, work, { signal, tally, onTally });
    }),
  );
  expect(results).toEqual(["rank 0", "rank 1"]);
  expect(heard[0]).toEqual(heard[1]);
  expect(heard[0].length).toBeGreaterThan(2);
  expect(heard[0].at(-1)).toBe(7);
});

test("what one finds wrong ends all at once, with its name", async () => {
  const work = [until, until, () => Promise.reject(new PspnetError("data", "x.png: broken"))];
  const all = await Promise.allSettled(ranks(3).map((world, i) => together(world, work[i], { signal })));
  for (const one of all) {
    expect(one).toMatchObject({ reason: { code: "data", message: "rank 2: x.png: broken" } });
    expect(isOnAllRanks((one as PromiseRejectedResult).reason)).toBe(true);
  }
});

test("a signal to one stops all, also those that are done", async () => {
  const controller = new AbortController();
  const signals = [signal, controller.signal];
  const work = [async () => "done", until];
  const all = Promise.allSettled(ranks(2).map((world, i) => together<unknown>(world, work[i], { signal: signals[i] })));
  controller.abort();
  for (const one of await all) expect(one).toMatchObject({ reason: { code: "interrupted" } });
});

test("what a rank loses the others by ends its own work", async () => {
  const [world] = ranks(1);
  const lonely = { ...world, size: 2, sum: () => Promise.reject(new Error("lost")) };
  let ended = false;
  const work = (signal: AbortSignal) => until(signal).finally(() => (ended = true));
  await expect(together(lonely, work, { signal })).rejects.toThrow("lost");
  expect(ended).toBe(true);
});

test("values of any length are gathered in the order of ranks", async () => {
  const values = ["", { text: "Straße", numbers: [1 / 3, 2 ** 52] }, null, Array(500).fill("x")];
  const all = await Promise.all(ranks(4).map((world, i) => gather<unknown>(world, values[i])));
  for (const one of all) expect(one).toEqual(values);
});
