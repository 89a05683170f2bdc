import { expect, it } from "vitest";
import { RateLimit } from "./rateLimit.js";

it("a burst, then as many as flow in, an address at a time", () => {
  let now = 0;
  const limit = new RateLimit(2, () => now);
  const taken = (address: string) => {
    try {
      limit.take(address);
      return true;
    } catch {
      return false;
    }
  };
  const burst = Array.from({ length: 12 }, () => taken("a")).filter(Boolean).length;
  expect(burst).toBe(10);
  expect(() => limit.take("a")).toThrow("expected at most 2 requests a second of one address; ask again in 1 s");
  expect(taken("b")).toBe(true);
  now = 500;
  expect([taken("a"), taken("a")]).toEqual([true, false]);
  now = 60_000;
  expect(Array.from({ length: 12 }, () => taken("a")).filter(Boolean)).toHaveLength(10);
});

it("very many addresses take no more memory than many, and who is limited stays so", () => {
  const limit = new RateLimit(1, () => 0);
  for (let i = 0; i < 5; i++) limit.take("busy");
  for (let i = 0; i < 9_000; i++) limit.take(`a${i}`);
  expect(() => limit.take("busy")).toThrow("at most 1");
  for (let i = 0; i < 30_000; i++) limit.take(`b${i}`);
});
