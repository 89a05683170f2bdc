import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapAhead } from "./mapAhead.js";

test("results come in order, and never more than ahead + 1 items are worked on", async () => {
  let [running, most] = [0, 0];
  const work = async (item: number) => {
    most = Math.max(most, ++running);
    await setTimeout(item % 2 === 0 ? 8 : 1);
    running--;
    return 10 * item;
  };
  const found: number[] = [];
  for await (const result of mapAhead([0, 1, 2, 3, 4, 5], work, { ahead: 2 })) found.push(result);
  expect(found).toEqual([0, 10, 20, 30, 40, 50]);
  expect(most).toBe(3);
});

test("it may be left early, whatever fails afterwards", async () => {
  const work = async (item: number) => {
    if (item > 0) throw new Error("broken");
    return item;
  };
  for await (const result of mapAhead([0, 1, 2, 3], work, { ahead: 2 })) {
    expect(result).toBe(0);
    break;
  }
});

test("the first failure ends it, and takes nothing more", async () => {
  const begun: number[] = [];
  const work = async (item: number) => {
    begun.push(item);
    if (item === 1) throw new Error("broken");
    return item;
  };
  const found: number[] = [];
  const all = async () => {
    for await (const result of mapAhead([0, 1, 2, 3, 4], work, { ahead: 1 })) found.push(result);
  };
  await expect(all()).rejects.toThrow("broken");
  expect(found).toEqual([0]);
  expect(begun).toEqual([0, 1, 2]);
});
