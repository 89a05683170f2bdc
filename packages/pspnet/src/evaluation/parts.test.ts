import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WHOLE_IMAGE } from "@pspnet/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { EvaluationPart } from "./evaluation.js";
import { mergeParts, type NamedPart } from "./mergeParts.js";
import { readParts, writePart } from "./partFile.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-parts-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The i-th of 3 parts, whose counts are above what 32 bits hold. */
function part(number: number, changes: Partial<EvaluationPart> = {}): EvaluationPart {
  return {
    part: { number, of: 3 },
    weights: { file: "best.safetensors", sha256: "a".repeat(64) },
    dataset: { data: "camvid", split: "val", format: null, images: 10, channels: 3, sha256: "b".repeat(64) },
    protocol: WHOLE_IMAGE,
    runtime: "torch on cpu in fp32",
    names: ["road", "sky"],
    counts: [2 ** 40 + number, 1, 2, 3 * number],
    seconds: number,
    errors: null,
    ...changes,
  };
}

const named = (...parts: readonly EvaluationPart[]): NamedPart[] =>
  parts.map((part, i) => ({ name: `${"abcd"[i]}.json`, part }));

test("parts add up to the integer, in any order", () => {
  const whole = mergeParts(named(part(2), part(3), part(1)));
  expect(whole.counts).toEqual([3 * 2 ** 40 + 6, 3, 6, 18]);
  expect(whole).toMatchObject({ seconds: 6, names: ["road", "sky"], weights: { file: "best.safetensors" } });
  expect(whole).not.toHaveProperty("part");
});

test.each<readonly [what: string, parts: readonly EvaluationPart[], message: RegExp]>([
  [
    "other weights",
    [part(1), part(2), part(3, { weights: { file: "last.safetensors", sha256: "c".repeat(64) } })],
    /c\.json: expected the weights of a\.json, best\.safetensors \(SHA-256 a{12}\), found last\.safetensors \(SHA-256 c{12}\)/,
  ],
  [
    "another dataset",
    [part(1), part(2, { dataset: { ...part(2).dataset, sha256: "d".repeat(64) } }), part(3)],
    /b\.json: expected the dataset of a\.json, camvid \(val, 10 images, b{12}\), found camvid \(val, 10 images, d{12}\)/,
  ],
  [
    "another protocol",
    [part(1), part(2, { protocol: { ...WHOLE_IMAGE, flip: true } }), part(3)],
    /b\.json: expected the protocol of a\.json, one scale, whole images, own size, found one scale, flip, whole images/,
  ],
  [
    "another precision",
    [part(1), part(2), part(3, { runtime: "torch on cpu in bf16" })],
    /c\.json: expected the runtime of a\.json, torch on cpu in fp32, found torch on cpu in bf16/,
  ],
  [
    "another number of parts",
    [part(1), part(2), part(3, { part: { number: 3, of: 4 } })],
    /c\.json: expected the number of parts of a\.json, 3, found 4/,
  ],
  ["a part twice", [part(1), part(2), part(3), part(2)], /each part once, found part 2 of 3 in b\.json and d\.json/],
  [
    "many parts that are not there",
    [part(9, { part: { number: 9, of: 999_999 } })],
    /expected 999999 parts, found none of number 1, 2, 3, 4, 5 and 999993 more; make them with --shard 1\/999999/,
  ],
  ["parts that are not there", [part(2)], /expected 3 parts, found none of number 1, 3; make them with --shard 1\/3/],
])("%s: refused by name", (_, parts, message) => {
  expect(() => mergeParts(named(...parts))).toThrow(message);
  expect(() => mergeParts(named(...parts))).toThrow(expect.objectContaining({ code: "usage" }));
});

/** What was found of one image. */
const errors = {
  images: [
    {
      index: 1,
      id: "x.png",
      meanIoU: 1 / 3,
      pixelAccuracy: 0.1,
      classes: [{ id: 1, iou: 1 / 3 }],
      confusions: [{ truth: 0, guess: 1, pixels: 4 }],
    },
  ],
  objects: [[1, 2, 3].map((objects) => ({ objects, found: 1, recall: objects / 7 }))],
  boundary: { intersections: [1, 2], unions: [3, 4] },
};

test("a folder of parts is read as it was written, and nothing else that lies there", async () => {
  const parts = [part(1), part(2, { errors }), part(3)];
  for (const one of parts) await writePart(folder, one);
  await writeFile(join(folder, "confusion.json"), "{}");
  expect((await readParts([folder])).map(({ part }) => part)).toEqual(parts);
});

test("a file that is no part, or a broken one, is named", async () => {
  const whole = await readFile(await writePart(folder, part(1)), "utf8");
  const file = join(folder, "broken.json");
  const given = JSON.parse(whole);
  const wrong: readonly (readonly [text: string, reason: RegExp])[] = [
    ["", /JSON/],
    [whole.slice(0, -20), /JSON/],
    ["[]", /expected keys and values/],
    ["{}", /form: expected pspnet evaluation part 1, found nothing/],
    [JSON.stringify({ ...given, counts: [1, 2, 3] }), /counts: not a count for each pair of classes/],
    [JSON.stringify({ ...given, counts: [1, 2, 3, -4] }), /counts\.3: expected at least 0, found -4/],
    [JSON.stringify({ ...given, counts: [1, 2, 3, 0.5] }), /counts\.3: expected a whole number, found 0\.5/],
    [JSON.stringify({ ...given, part: { number: 4, of: 3 } }), /part: its number is above that of the parts/],
    [JSON.stringify({ ...given, part: { number: 4, of: 2 ** 40 } }), /part\.of: expected at most 999999/],
    [JSON.stringify({ ...given, protocol: "semseg" }), /protocol: expected keys and values/],
    [
      JSON.stringify({
        ...given,
        errors: { images: [], objects: [], boundary: { intersections: [1], unions: [1, 2] } },
      }),
      /errors: not those of its classes/,
    ],
    [
      JSON.stringify({
        ...given,
        errors: { ...errors, images: [{ ...errors.images[0], classes: [{ id: 2, iou: 0 }] }] },
      }),
      /errors: not those of its classes/,
    ],
  ];
  for (const [text, reason] of wrong) {
    await writeFile(file, text);
    const read = readParts([file]);
    await expect(read).rejects.toThrow(`${file}: expected a part that val --shard wrote`);
    await expect(read).rejects.toThrow(reason);
    await expect(read).rejects.toMatchObject({ code: "data" });
  }
  await expect(readParts([join(folder, "none.json")])).rejects.toThrow(/found nothing at .*none\.json/);
  await expect(readParts([tmpdir()])).rejects.toThrow(/expected part-1-of-n\.json and so on in/);
});
