import { expect, it } from "vitest";
import { Queue } from "./queue.js";

const never = new AbortController().signal;

it("turns come in the order of asking, so many at once", async () => {
  const queue = new Queue({ size: 5, atOnce: 2 });
  const order: number[] = [];
  const places = Array.from({ length: 5 }, (_, i) => {
    const place = queue.admit();
    place.turn(never).then(() => order.push(i));
    return place;
  });
  expect(() => queue.admit()).toThrow("expected fewer than 5 requests at once");
  await Promise.resolve();
  await Promise.resolve();
  expect([order, queue.admitted, queue.working]).toEqual([[0, 1], 5, 2]);
  for (const place of places) {
    place[Symbol.dispose]();
    place[Symbol.dispose]();
    await new Promise(setImmediate);
  }
  expect([order, queue.admitted, queue.working]).toEqual([[0, 1, 2, 3, 4], 0, 0]);
});

it("who gives up waiting holds up nobody", async () => {
  const queue = new Queue({ size: 5, atOnce: 1 });
  const first = queue.admit();
  await first.turn(never);
  const controller = new AbortController();
  const second = queue.admit();
  const given = second.turn(controller.signal);
  const third = queue.admit();
  const turn = third.turn(never);
  controller.abort(new Error("enough"));
  await expect(given).rejects.toThrow("enough");
  second[Symbol.dispose]();
  expect(queue.working).toBe(1);
  first[Symbol.dispose]();
  await turn;
  expect([queue.admitted, queue.working]).toEqual([1, 1]);
});
