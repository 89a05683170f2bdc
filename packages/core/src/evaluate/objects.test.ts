import { expect, test } from "vitest";
import { IGNORE, type LabelMap } from "../image/image.js";
import { ObjectScores } from "./objects.js";

/** Rectangles of class 1, `[left, top, width, height]`, on class 0. */
function drawn(width: number, height: number, ...boxes: readonly (readonly number[])[]): LabelMap {
  const inside = (x: number, y: number) =>
    boxes.some(([left, top, w, h]) => x >= left && x < left + w && y >= top && y < top + h);
  const data = Uint8Array.from({ length: width * height }, (_, i) => Number(inside(i % width, Math.floor(i / width))));
  return { width, height, data };
}

test("objects are connected parts, each of which counts alike in its size", () => {
  // Two of 10x10, one seen whole and one by 4 of 10 columns; one of 40x40, seen half; the ground, large, all of it seen.
  const truth = drawn(200, 100, [0, 0, 10, 10], [20, 0, 10, 10], [60, 20, 40, 40]);
  const prediction = drawn(200, 100, [0, 0, 10, 10], [20, 0, 4, 10], [60, 20, 20, 40]);
  expect(new ObjectScores().add(prediction, truth).scores()).toEqual([
    { size: "small", objects: 2, found: 0.5, recall: 0.7 },
    { size: "medium", objects: 1, found: 1, recall: 0.5 },
    { size: "large", objects: 1, found: 1, recall: 1 },
  ]);
});

test("corners connect, what is ignored is no object, and nothing gives 0", () => {
  const corners = drawn(4, 2, [0, 0, 1, 1], [1, 1, 1, 1]);
  expect(new ObjectScores().add(corners, corners).scores()[0]).toMatchObject({ objects: 2, found: 1 });
  const nothing = { width: 2, height: 1, data: Uint8Array.of(IGNORE, IGNORE) };
  const none = { objects: 0, found: 0, recall: 0 };
  expect(new ObjectScores().add(nothing, nothing).scores()).toMatchObject([none, none, none]);
});
