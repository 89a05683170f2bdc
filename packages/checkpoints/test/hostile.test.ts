import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { storedZipPieces } from "../src/archive/zipWriter.js";
import { ByteReader } from "../src/byteReader.js";
import { bundlePrefix, maskedCrc32c, PspnetError, readCheckpoint } from "../src/index.js";
import { readVarint } from "../src/protobufReader.js";

const fixtures = new URL("fixtures/", import.meta.url);
const files = readdirSync(fixtures).filter((name) => !name.endsWith(".json"));
const bytesOf = (name: string) => new Uint8Array(readFileSync(new URL(name, fixtures)));

/** Reads all values of a checkpoint; what is wrong with it must be said by an error of ours. */
function readAll(name: string, bytes: Uint8Array): void {
  const prefix = bundlePrefix(name);
  const parts = files.filter((other) => other !== name && prefix !== null && bundlePrefix(other) === prefix);
  try {
    const given = [{ name, bytes }, ...parts.map((part) => ({ name: part, bytes: bytesOf(part) }))];
    for (const tensor of readCheckpoint(given).state.values()) tensor.float32();
  } catch (error) {
    if (!(error instanceof PspnetError)) throw error;
    expect(error.message).toContain(name);
  }
}

/** Gives numbers from 0 up to the one asked for. */
function randomBelow(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** An archive of torch.save around a pickle, and a storage of four bytes. */
function archive(pickle: string | Uint8Array): Uint8Array {
  const bytes = typeof pickle === "string" ? Uint8Array.from(pickle, (letter) => letter.charCodeAt(0)) : pickle;
  const entries = [
    { name: "archive/data.pkl", bytes },
    { name: "archive/data/0", bytes: new Uint8Array(4) },
  ];
  return new Uint8Array(Buffer.concat([...storedZipPieces(entries, { alignment: 64 })]));
}

const reading = (pickle: string) => () => readCheckpoint([{ name: "evil.pth", bytes: archive(pickle) }]);

describe("a pickle that is no checkpoint", () => {
  it.each([
    ["os", "system", "cos\nsystem\n(S'true'\ntR."],
    ["builtins", "eval", "cbuiltins\neval\n(S'1'\ntR."],
    ["__builtin__", "getattr", "c__builtin__\ngetattr\n(ccollections\nOrderedDict\nS'pop'\ntR."],
    ["posix", "system", "\x80\x02cposix\nsystem\nU\x04trueq\x00\x85R."],
  ])("never runs %s.%s", (module, name, pickle) => {
    expect(reading(pickle)).toThrow(new RegExp(`evil.pth.*${module}.${name}`));
  });

  it("may hold itself, at most so deep, and no more than its bytes", () => {
    const own = "\x80\x02}q\x00U\x01aq\x01h\x00s.";
    expect(reading(own)).toThrow(PspnetError);
    expect(reading(`${"(".repeat(100_000)}.`)).toThrow(PspnetError);
    expect(reading(`\x80\x02${"]".repeat(200)}${"a".repeat(199)}.`)).toThrow(PspnetError);
    expect(reading("\x80\x04\x8e\xff\xff\xff\xff\xff\xff\xff\x0f.")).toThrow(PspnetError);
    expect(reading("\x80\x02T\xff\xff\xff\x7f.")).toThrow(PspnetError);
    expect(reading("h\x07.")).toThrow(PspnetError);
    expect(reading("")).toThrow(PspnetError);
  });
});

describe.each(files)("%s, damaged", (name) => {
  const whole = bytesOf(name);

  it("is refused wherever it is cut off", () => {
    for (let length = 0; length < whole.length; length += Math.max(7, whole.length >> 9))
      readAll(name, whole.slice(0, length));
  });

  it("is read or refused with any bytes changed", () => {
    const next = randomBelow(1);
    for (let round = 0; round < (whole.length < 16_384 ? 500 : 100); round++) {
      const bytes = whole.slice();
      for (let change = next(4); change >= 0; change--) bytes[next(bytes.length)] = [0, 255, next(256)][next(3)];
      readAll(name, bytes);
    }
  });
});

describe.each(files.filter((name) => name.endsWith(".index")))("%s, forged", (name) => {
  it("is read or refused with any bytes changed and all checksums right", () => {
    const whole = bytesOf(name);
    const next = randomBelow(1);
    for (let round = 0; round < 500; round++) {
      const bytes = whole.slice();
      for (let change = next(4); change >= 0; change--) bytes[next(bytes.length)] = [0, 255, next(256)][next(3)];
      readAll(name, signed(bytes, whole));
    }
  });
});

/** A table with the checksums of its bytes, whose blocks lie where they do in `whole`: entries, an empty one, the index. */
function signed(table: Uint8Array, whole: Uint8Array): Uint8Array {
  const footer = new ByteReader(whole.subarray(-48), "footer");
  const [empty, emptySize, index, indexSize] = [1, 2, 3, 4].map(() => readVarint(footer));
  const view = new DataView(table.buffer);
  for (const [from, to] of [
    [0, empty - 4],
    [empty, empty + emptySize + 1],
    [index, index + indexSize + 1],
  ])
    view.setUint32(to, maskedCrc32c(table.subarray(from, to)), true);
  return table;
}

describe("a table of TensorFlow's that was made to harm", () => {
  const varint = (value: number): number[] => (value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)]);
  const entry = (shared: number, own: readonly number[], value: readonly number[]) => [
    ...varint(shared),
    ...[own.length, value.length].flatMap(varint),
    ...own,
    ...value,
  ];
  const uint32 = (value: number) => [0, 8, 16, 24].map((shift) => (value >>> shift) & 255);
  const block = (entries: readonly number[]) => {
    const content = [...entries, ...uint32(0), ...uint32(1), 0];
    return [...content, ...uint32(maskedCrc32c(Uint8Array.from(content)))];
  };
  const handle = (at: number, blocks: readonly number[]) => [...varint(at), ...varint(blocks.length - 5)];
  /** Entries, and an index that names their block so many times. */
  const table = (entries: readonly number[], times: number) => {
    const data = block(entries);
    const index = block(Array.from({ length: times }, (_, i) => entry(0, [i], handle(0, data))).flat());
    const footer = [0, 0, ...handle(data.length, index)];
    const magic = [0x57, 0xfb, 0x80, 0x8b, 0x24, 0x75, 0x47, 0xdb];
    const padding = new Array<number>(40 - footer.length).fill(0);
    return { name: "evil.index", bytes: Uint8Array.from([...data, ...index, ...footer, ...padding, ...magic]) };
  };
  const header = entry(0, [], [8, 1]);
  const shard = { name: "evil.data-00000-of-00001", bytes: new Uint8Array(8) };

  it("names a block again and again, keys without end, bytes of another tensor, a million files of data", () => {
    expect(() => readCheckpoint([table(header, 2), shard])).toThrow("overlaps a block of the table");
    const key = new Array<number>(10_000).fill(97);
    const float32s = [8, 1, 0x12, 4, 0x12, 2, 8, 2, 0x28, 8];
    const nothing = [8, 1, 0x12, 4, 0x12, 2, 8, 0];
    const repeated = Array.from({ length: 1000 }, (_, i) => entry(10_000, [i % 256, i >>> 8], nothing)).flat();
    const endless = [...header, ...entry(0, key, nothing), ...repeated];
    expect(() => readCheckpoint([table(endless, 1), shard])).toThrow("longer than honest");
    const twice = [...header, ...entry(0, [97], float32s), ...entry(0, [98], float32s)];
    expect(() => readCheckpoint([table(twice, 1), shard])).toThrow("b overlaps a");
    expect(() => readCheckpoint([table(entry(0, [], [8, ...varint(1e6)]), 1), shard])).toThrow("number of data files");
  });
});
