import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { storedZipPieces } from "../src/archive/zipWriter.js";
import { bundlePrefix, maskedCrc32c, PspnetError, readCheckpoint } from "../src/index.js";

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

/** An archive of torch.save around a pickle, and a storage. */
function archive(pickle: string | Uint8Array, storage = new Uint8Array(4)): Uint8Array {
  const bytes = typeof pickle === "string" ? Uint8Array.from(pickle, (letter) => letter.charCodeAt(0)) : pickle;
  const entries = [
    { name: "archive/data.pkl", bytes },
    { name: "archive/data/0", bytes: storage },
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

describe("what would cost far more than the file has", () => {
  const global = (module: string, name: string) => `c${module}\n${name}\n`;
  /** Doubles what is in place 0 of the memo, so many times. */
  const doubled = (times: number) => "0h\x00h\x00\x86q\x00".repeat(times);
  const array = `${global("numpy.core.multiarray", "_reconstruct")})R`;
  const storage = `(U\x07storage${global("torch", "FloatStorage")}U\x010U\x03cpuK\x01tQ`;
  const tensor = `${global("torch._utils", "_rebuild_tensor_v2")}(${storage}K\x00))\x89NtR`;

  it.each<[string, string, RegExp]>([
    ["keys that are tuples of tuples", `\x80\x02}K\x01q\x00${doubled(60)}00}h\x00K\x01s.`, /expected tensors by name/],
    [
      "an array that holds itself",
      `\x80\x02}U\x01a${array}q\x00(K\x01)${global("numpy", "dtype")}(U\x01OtR\x89]h\x00atbs.`,
      /tensors by name/,
    ],
    [
      "a path of paths",
      `\x80\x02${global("pathlib", "PosixPath")}q\x010U\xff${"a".repeat(255)}q\x000${"h\x01h\x00h\x00\x86Rq\x000".repeat(60)}N.`,
      /larger than itself/,
    ],
    [
      "a tensor of 100,000 dimensions",
      `\x80\x02}U\x01a${global("torch._utils", "_rebuild_tensor_v2")}(${storage}K\x00(${"K\x01".repeat(100_000)}t)\x89NtRs.`,
      /expected at most 32 dimensions/,
    ],
    ["a tensor of a long name", `\x80\x02}T\xff\xff\x00\x00${"a".repeat(65535)}${tensor}s.`, /at most 1024 letters/],
    ["100,001 tensors", `\x80\x02${tensor}q\x00]q\x01(${"h\x00".repeat(100_001)}e.`, /at most 100000 tensors/],
    [
      "a subclass of nothing",
      `\x80\x02${global("torch._tensor", "_rebuild_from_type_v2")}(NNNtR.`,
      /a function that makes a tensor/,
    ],
  ])("%s", (_, pickle, problem) => {
    expect(reading(pickle)).toThrow(problem);
  });

  it("tensors that share their elements too often", () => {
    const bytes = new Uint8Array(2 ** 22);
    const view = `${global("torch._utils", "_rebuild_tensor_v2")}((U\x07storage${global("torch", "FloatStorage")}U\x010U\x03cpuJ\x00\x00\x10\x00tQK\x00J\x00\x00\x10\x00\x85K\x01\x85\x89NtR`;
    const shared = (count: number) => `\x80\x02${view}q\x00]q\x01(${"h\x00".repeat(count)}e.`;
    const file = (count: number) => [{ name: "evil.pth", bytes: archive(shared(count), bytes) }];
    expect(readCheckpoint(file(4)).state.size).toBe(4);
    expect(() => readCheckpoint(file(1000))).toThrow(/evil.pth: it unpacks from/);
  });
});

it("a caffemodel of a field for each number, or of fields without end", () => {
  const field = (number: number, content: Uint8Array) => {
    const { length } = content;
    const size = [(length & 127) | 128, ((length >> 7) & 127) | 128, ((length >> 14) & 127) | 128, length >> 21];
    return Buffer.concat([Uint8Array.of(number * 8 + 2, ...size), content]);
  };
  const layer = (blob: Uint8Array) => {
    const bytes = field(2, Buffer.concat([field(4, Buffer.from("a")), field(6, blob)]));
    return [{ name: "evil.caffemodel", bytes: new Uint8Array(bytes) }];
  };
  const one = Uint8Array.of(5 * 8 + 5, 0, 0, 0x80, 0x3f);
  const wide = Uint8Array.of(4 * 8, 0x80, 0x80, 0x10);
  const many = Buffer.alloc(2 ** 18 * one.length, one);
  const { state } = readCheckpoint(layer(Buffer.concat([wide, many])));
  expect(state.get("a.0")!.shape).toEqual([1, 1, 1, 2 ** 18]);
  expect(
    state
      .get("a.0")!
      .float32()
      .every((value) => value === 1),
  ).toBe(true);
  expect(() => readCheckpoint(layer(Buffer.alloc(500_000, wide)))).toThrow(/evil.caffemodel: a.0: .*100000 fields/);
});

it("a safetensors header of 2^60 bytes, or nested without end, is refused in a line", () => {
  const file = (header: string, length = BigInt(header.length)) => {
    const bytes = Buffer.concat([new Uint8Array(8), Buffer.from(header)]);
    bytes.writeBigUInt64LE(length);
    return () => readCheckpoint([{ name: "evil.safetensors", bytes }]);
  };
  const deep = "[".repeat(100_000) + "]".repeat(100_000);
  expect(file("{}".padEnd(80), 2n ** 48n - 1n)).toThrow(/evil.safetensors: safetensors: expected a header of at most/);
  expect(file(`{"a":{"dtype":"F32","shape":${deep},"data_offsets":[0,0]}}`)).toThrow(
    /evil.safetensors.*a: expected a shape/,
  );
  expect(file(`{"${"a".repeat(5000)}":{}}`)).toThrow(/at most 1024 letters, found 5000$/);
});

it.each(files)("%s is refused wherever it is cut off", (name) => {
  const whole = bytesOf(name);
  for (let length = 0; length < whole.length; length += Math.max(7, whole.length >> 9))
    readAll(name, whole.slice(0, length));
});

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
