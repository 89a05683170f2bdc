import { expect, test } from "vitest";
import { BALANCES } from "./classBalance.js";

// Three masks of 100 labelled pixels: 60 + 40, 90 + 10, and 100 of the first class; the third class is nowhere.
const balance = { pixels: Float64Array.of(250, 50, 0), shown: Float64Array.of(300, 200, 0) };

test("ENet's weights are those of its paper, from 1.43 for a class that is everywhere to 50.5 for one that is nowhere", () => {
  const [often, seldom, never] = BALANCES.enet(balance);
  expect(often).toBeCloseTo(1 / Math.log(1.02 + 250 / 300), 12);
  expect(seldom).toBeCloseTo(1 / Math.log(1.02 + 50 / 300), 12);
  expect(never).toBeCloseTo(50.4983, 3);
});

test("median frequency counts the masks alone that show a class", () => {
  const [often, seldom, never] = BALANCES.median(balance);
  const median = (250 / 300 + 50 / 200) / 2;
  expect(often).toBeCloseTo(median / (250 / 300), 12);
  expect(seldom).toBeCloseTo(median / (50 / 200), 12);
  expect(never).toBe(0);
});
