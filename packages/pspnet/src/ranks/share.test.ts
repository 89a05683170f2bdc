import { expect, test } from "vitest";
import { joinShares, notAShare, parseShare, shareLength, shareOf } from "./share.js";

test("shares are disjoint, as long as they are said to be, and make up the whole in its order", () => {
  for (const length of [0, 1, 2, 7, 10]) {
    const things = Array.from({ length }, (_, i) => i);
    for (const of of [1, 3, 7, 11]) {
      const shares = Array.from({ length: of }, (_, i) => shareOf(things, { number: i + 1, of }));
      expect(shares.map((share) => share.length)).toEqual(
        shares.map((_, i) => shareLength(length, { number: i + 1, of })),
      );
      expect(joinShares(shares)).toEqual(things);
    }
  }
});

test("a share is i/n with i from 1 to n", () => {
  expect(parseShare("2/5")).toEqual({ number: 2, of: 5 });
  expect(parseShare("5/5")).toEqual({ number: 5, of: 5 });
  for (const right of ["1/1", "2/5", "5/5"]) expect(notAShare(right)).toBeNull();
  for (const wrong of ["0/5", "6/5", "2", "/5", "2/", "2/0", "-1/5", "1.5/5", "2/5/6", "a/b", " 2/5", ""])
    expect(notAShare(wrong), wrong).toMatch(/^i\/n/);
});
