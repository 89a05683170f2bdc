import { expect, test } from "vitest";
import type { Image } from "../image/image.js";
import { AveragesOverTime } from "./averagesOverTime.js";
import type { WindowPlace } from "./windowInput.js";

const image = (value: number, width = 1): Image => ({ width, height: 1, data: new Uint8Array(3 * width).fill(value) });

/** A window of any image. */
const place = (left: number): WindowPlace => {
  const one = { width: 1, height: 1 };
  return { scaled: one, window: one, size: one, top: 0, left, flip: false };
};

/** Numbers for logits: the image's first byte, and how far left the window is. Tells what is freed. */
function averages() {
  const freed: { value: number }[] = [];
  const blend = ({ value }: { value: number }, before: { value: number } | undefined, share: number) => ({
    value: before ? share * value + (1 - share) * before.value : value,
  });
  const free = (logits: { value: number }) => void freed.push(logits);
  const made = new AveragesOverTime({ blend, free });
  const look = async ({ data }: Image, places: readonly WindowPlace[]) =>
    places.map(({ left }) => ({ value: data[0] + left }));
  const ask = (of: Image, sequence: number, share = 0.25) =>
    made.over(of, { sequence, share }, look, async (look) => {
      const windows = await look(of, [place(0), place(100)]);
      return windows.map(({ value }) => value);
    });
  return { made, ask, freed };
}

test("each window of a sequence has its average, in the order in which images are asked about", async () => {
  const { ask } = averages();
  const found = await Promise.all([ask(image(8), 1), ask(image(16), 1), ask(image(80), 2), ask(image(16), 1)]);
  expect(found).toEqual([
    [8, 108],
    [10, 110],
    [80, 180],
    [11.5, 111.5],
  ]);
});

test("an image of another size begins anew", async () => {
  const { ask } = averages();
  await ask(image(8), 1);
  expect(await ask(image(16, 2), 1)).toEqual([16, 116]);
});

test("what is replaced or forgotten is freed, each once", async () => {
  const { ask, made, freed } = averages();
  for (const value of [8, 16, 24]) void ask(image(value), 1);
  await made.forget(1);
  // Two windows of three images: the logits themselves, and the averages.
  expect(freed).toHaveLength(12);
  expect(new Set(freed).size).toBe(12);
  expect(await ask(image(4), 1)).toEqual([4, 104]);
});

test("an image that fails does not hold up the next", async () => {
  const { made, ask } = averages();
  const failing = made.over(
    image(8),
    { sequence: 1, share: 1 },
    async () => Promise.reject(new Error("broken")),
    (look) => look(image(8), [place(0)]),
  );
  await expect(failing).rejects.toThrow("broken");
  expect(await ask(image(16), 1)).toEqual([16, 116]);
});
