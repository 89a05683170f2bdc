/** HDF5 files made by hand, of superblock version 2, so that each says one thing that no honest file does. */
import { describe, expect, it } from "vitest";
import { readCheckpoint } from "../src/index.js";

const HUGE = 2 ** 60;

const uint = (value: number, width: number) =>
  Array.from({ length: width }, (_, i) => Number((BigInt(value) >> BigInt(8 * i)) & 255n));
const text = (letters: string) => [...new TextEncoder().encode(letters)];

const message = (type: number, body: readonly number[]) => [type, ...uint(body.length, 2), 0, ...body];
const header = (...messages: readonly number[][]) => {
  const body = messages.flat();
  return [...text("OHDR"), 2, 2, ...uint(body.length, 4), ...body, ...uint(0, 4)];
};

const link = (name: string, address: number) =>
  message(0x06, [1, 1, ...uint(name.length, 2), ...text(name), ...uint(address, 8)]);
const space = (...shape: readonly number[]) =>
  message(0x01, [2, shape.length, 0, 1, ...shape.flatMap((n) => uint(n, 8))]);
const float32 = message(0x03, [0x11, 0x20, 0x1f, 0, 4, 0, 0, 0, 0, 0, 32, 0, 23, 8, 0, 23, 127, 0, 0, 0]);
const contiguous = (address: number, size: number) => message(0x08, [3, 1, ...uint(address, 8), ...uint(size, 8)]);
const chunk = (address: number, shape: readonly number[], stored: number) =>
  message(0x08, [
    ...[4, 2, 2, shape.length + 1, 8],
    ...[...shape, 4].flatMap((n) => uint(n, 8)),
    ...[1, ...uint(stored, 8), ...uint(0, 4), ...uint(address, 8)],
  ]);
const filter = (id: number) =>
  message(0x0b, [2, 1, ...uint(id, 2), ...(id < 256 ? [] : [0, 0]), ...uint(0, 2), ...uint(0, 2)]);

/** The parts by their addresses; the root group's header stands at 48. */
function file(parts: Readonly<Record<number, readonly number[]>>): Uint8Array {
  const bytes = new Uint8Array(4096);
  bytes.set([0x89, ...text("HDF\r\n\x1a\n"), 2, 8, 8, 0]);
  bytes.set([...uint(0, 8), ...uint(HUGE, 8), ...uint(bytes.length, 8), ...uint(48, 8)], 12);
  for (const [at, part] of Object.entries(parts)) bytes.set(part, Number(at));
  return bytes;
}

const read = (bytes: Uint8Array) => {
  const { state } = readCheckpoint([{ name: "evil.h5", bytes }]);
  return [...state].map(([name, tensor]) => [name, tensor.shape, [...tensor.float32()]]);
};

const values = [...new Uint8Array(Float32Array.of(1, 2).buffer)];
const root = header(link("a", 1024));

it("reads a file made by hand", () => {
  const dataset = header(space(2), float32, contiguous(2048, 8));
  expect(read(file({ 48: root, 1024: dataset, 2048: values }))).toEqual([["a", [2], [1, 2]]]);
  const sum = header(space(2), float32, chunk(2048, [2], 12), filter(3));
  // Words of 16 bits 0, 0x803f, 0, 0x0040: their sum, and the sum of the sums, folded to 16 bits.
  const words = [0, 0x803f, 0, 0x0040];
  const [first, second] = words.reduce(([a, b], word) => [a + word, b + a + word], [0, 0]);
  const fold = (n: number) => (n & 0xffff) + (n >>> 16);
  const stored = [...values, ...uint(fold(first), 2), ...uint(fold(second), 2)];
  expect(read(file({ 48: root, 1024: sum, 2048: stored }))).toEqual([["a", [2], [1, 2]]]);
  stored[0] = 1;
  expect(() => read(file({ 48: root, 1024: sum, 2048: stored }))).toThrow(
    /evil.h5: a: its sum \(fletcher32\) is wrong/,
  );
});

describe("an HDF5 file is refused", () => {
  const dataset = (...messages: number[][]) => ({ 48: root, 1024: header(...messages), 2048: values });
  const onward = message(0x10, [...uint(1024, 8), ...uint(28, 8)]);
  const tree = (level: number, child: number) => [
    ...text("TREE"),
    ...[0, level, ...uint(1, 2), ...uint(0, 16), ...uint(0, 8), ...uint(child, 8)],
  ];
  const table = header(message(0x11, [...uint(2048, 8), ...uint(3072, 8)]));
  const heap = [...text("HEAP"), 0, 0, 0, 0, ...uint(8, 8), ...uint(0, 8), ...uint(3200, 8)];

  it.each<[string, Readonly<Record<number, readonly number[]>>, RegExp]>([
    ["more elements than bytes", dataset(space(4), float32, contiguous(2048, 8)), /a: .*needs 4 elements.*hold 2/],
    ["2^60 elements", dataset(space(HUGE), float32, contiguous(2048, 8)), /a: expected whole sizes/],
    ["2^50 elements", dataset(space(2 ** 50), float32, contiguous(2048, 2 ** 52)), /a.*expected 4503599627370496 more/],
    ["data at 2^60", dataset(space(2), float32, contiguous(HUGE, 8)), /a.*expected 8 more bytes, found 0/],
    ["33 dimensions", dataset(space(...Array(33).fill(1)), float32, contiguous(2048, 4)), /at most 32 dimensions/],
    [
      "a header of 2^60 bytes",
      { 48: [...text("OHDR"), 2, 3, ...uint(HUGE, 8)] },
      /\/: header.*expected 1152921504606847000 more bytes/,
    ],
    [
      "more header at 2^60",
      { 48: header(message(0x10, [...uint(HUGE, 8), ...uint(32, 8)])) },
      /\/: header.*expected 32 more/,
    ],
    [
      "a header that goes on in itself",
      { 48: header(onward), 1024: [...text("OCHK"), ...onward, ...uint(0, 4)] },
      /: header overlaps \/: header at byte 1024/,
    ],
    ["a group in itself", { 48: header(link("a", 48)) }, /a: header overlaps \/: header at byte 48/],
    ["a tree in itself", { 48: root, 1024: table, 2048: tree(1, 2048), 3072: heap }, /a: header overlaps a: header/],
    ["a leaf below a leaf", { 48: root, 1024: table, 2048: tree(2, 2560), 2560: tree(0, 2048), 3072: heap }, /level 1/],
    [
      "a path of any length",
      { 48: header(link("b".repeat(900), 1024)), 1024: header(link("c".repeat(900), 2048)) },
      /at most 1024 letters, found 1801/,
    ],
    [
      "a link elsewhere",
      { 48: header(message(0x06, [1, 8, 1, 1, ...text("a"), 1, 0, ...text("b")])) },
      /a: .*a link that names another place/,
    ],
    [
      "two datasets of one name",
      {
        48: header(link("a", 1024), link("a", 2048)),
        1024: header(space(2), float32, contiguous(3072, 8)),
        2048: header(space(2), float32, contiguous(3584, 8)),
      },
      /a: two datasets have this name/,
    ],
    [
      "text",
      dataset(space(2), message(0x03, [0x13, 0, 0, 0, 4, 0, 0, 0]), contiguous(2048, 8)),
      /a: expected numbers, found elements of type text/,
    ],
    ["a filter that is not known", dataset(space(2), float32, chunk(2048, [2], 8), filter(32000)), /gzip.*found lzf/],
    [
      "a bomb",
      dataset(space(2 ** 28), float32, chunk(2048, [2 ** 28], 8), filter(1)),
      /unpacks from 4096 bytes to 1073741824/,
    ],
    ["a chunk of less than its elements", dataset(space(2), float32, chunk(2048, [2], 4), filter(1)), /a: /],
    [
      "chunks of other dimensions",
      dataset(space(2), float32, chunk(2048, [2, 1], 8), filter(1)),
      /dimensions as \[2\]/,
    ],
    ["chunks never written", dataset(space(3), float32, chunk(2048, [2], 8), filter(1)), /never written/],
  ])("that has %s", (_, parts, problem) => {
    expect(() => read(file(parts))).toThrow(problem);
  });

  it("whose datasets overlap", () => {
    const both = header(link("a", 1024), link("b", 1536));
    const of = (at: number) => ({
      48: both,
      1024: header(space(2), float32, contiguous(2048, 8)),
      1536: header(space(2), float32, contiguous(at, 8)),
    });
    expect(() => read(file(of(2056)))).not.toThrow();
    expect(() => read(file(of(2052)))).toThrow(/evil.h5: b overlaps a at byte 2052/);
    expect(() => read(file(of(2048)))).toThrow(/evil.h5: b overlaps a at byte 2048/);
  });

  it("that is cut off, which is said", () => {
    const whole = file(dataset(space(2), float32, contiguous(2048, 8)));
    expect(() => read(whole.slice(0, 3000))).toThrow(/expected a file of 4096 bytes, found 3000; it is cut off/);
  });
});
