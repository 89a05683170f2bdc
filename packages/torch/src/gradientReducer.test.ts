import { expect, it } from "vitest";
import { gradientOverlap } from "./gradientReducer.js";

const bucket = (sent: number, done: number) => ({ bytes: 1, sent, done });

it.each([
  ["nothing is sent", [], 5, { sending: 0, overlapped: 0 }],
  ["all is there before backward ends", [bucket(1, 2), bucket(3, 4)], 5, { sending: 2, overlapped: 2 }],
  ["the last is sent after it", [bucket(1, 2), bucket(6, 8)], 5, { sending: 3, overlapped: 1 }],
  ["two are on their way at once", [bucket(1, 4), bucket(2, 7)], 5, { sending: 6, overlapped: 4 }],
  ["one overtakes another", [bucket(1, 6), bucket(2, 3)], 5, { sending: 5, overlapped: 4 }],
])("gradients overlap with backward where %s", (_, buckets, computed, expected) => {
  expect(gradientOverlap({ buckets, computed })).toEqual(expected);
});
