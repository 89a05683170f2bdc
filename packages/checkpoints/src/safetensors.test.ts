import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { fromFloat32 } from "./elements.js";
import { PspnetError } from "./error.js";
import { readSafetensors, readSafetensorsHeader, safetensorsHeaderEnd, writeSafetensors } from "./safetensors.js";

/** A file with this header text, and `data` bytes after it. */
function file(header: string, data = 0): Uint8Array {
  const json = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + json.byteLength + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.byteLength), true);
  bytes.set(json, 8);
  return bytes;
}

const entry = (begin: number, end: number, dtype = "F32", shape: unknown = [(end - begin) / 4]) =>
  JSON.stringify({ dtype, shape, data_offsets: [begin, end] });

const small = () =>
  writeSafetensors(
    new Map([
      ["b", { dtype: "float16", shape: [3], bytes: fromFloat32(Float32Array.of(1, -2, 0.5), "float16") }],
      ["a", { dtype: "float32", shape: [2, 1], bytes: fromFloat32(Float32Array.of(1.5, -3), "float32") }],
      ["empty", { dtype: "uint8", shape: [0, 4], bytes: new Uint8Array(0) }],
      ["scalar", { dtype: "int64", shape: [], bytes: new Uint8Array(BigInt64Array.of(-7n).buffer) }],
    ]),
    { licence: "MIT" },
  );

describe("round trip", () => {
  it("keeps names, shapes, types, values and metadata", () => {
    const { metadata, tensors } = readSafetensors(small());
    expect(metadata).toEqual({ licence: "MIT" });
    expect([...tensors.keys()]).toEqual(["scalar", "a", "b", "empty"]);
    expect([...tensors.get("a")!.float32()]).toEqual([1.5, -3]);
    expect([...tensors.get("b")!.float32()]).toEqual([1, -2, 0.5]);
    expect(tensors.get("b")).toMatchObject({ dtype: "float16", shape: [3] });
    expect([...tensors.get("scalar")!.float32()]).toEqual([-7]);
    expect(tensors.get("empty")!.float32()).toHaveLength(0);
  });

  it.each(["float32", "float16", "bfloat16", "float64", "int64", "uint8", "bool"] as const)(
    "keeps %s bytes",
    (dtype) => {
      const size = { float32: 4, float16: 2, bfloat16: 2, float64: 8, int64: 8, uint8: 1, bool: 1 }[dtype];
      const bytes = Uint8Array.from({ length: 6 * size }, (_, i) => (dtype === "bool" ? i % 2 : (i * 37) % 120));
      const read = readSafetensors(writeSafetensors(new Map([["x", { dtype, shape: [2, 3], bytes }]])));
      expect(read.tensors.get("x")).toMatchObject({ dtype, shape: [2, 3], bytes });
      expect(read.tensors.get("x")!.float32()).toHaveLength(6);
    },
  );

  it("aligns the data to 8 bytes and reads from any offset", () => {
    const bytes = small();
    expect(safetensorsHeaderEnd(bytes, bytes.length) % 8).toBe(0);
    const shifted = new Uint8Array(bytes.length + 3);
    shifted.set(bytes, 3);
    expect([...readSafetensors(shifted.subarray(3)).tensors.get("a")!.float32()]).toEqual([1.5, -3]);
  });

  it("gives the places of tensors from the header alone", () => {
    const bytes = small();
    const end = safetensorsHeaderEnd(bytes.subarray(0, 8), bytes.length);
    const { tensors } = readSafetensorsHeader(bytes.subarray(0, end), bytes.length);
    expect(tensors.get("a")).toEqual({ dtype: "float32", shape: [2, 1], begin: end + 8, end: end + 16 });
  });

  it("refuses to write bytes that do not fit the shape", () => {
    const wrong = new Map([["x", { dtype: "float32", shape: [2], bytes: new Uint8Array(4) } as const]]);
    expect(() => writeSafetensors(wrong)).toThrow("x: expected 8 bytes for float32 of shape [2], found 4");
  });
});

describe("refuses", () => {
  it.each<[string, Uint8Array, string]>([
    ["an empty file", new Uint8Array(0), "expected at least 8 bytes, found 0"],
    ["a header beyond the file", file("{}").fill(60, 0, 1), "goes beyond the file"],
    ["a huge header", file("{}").fill(255, 0, 8), "expected a header of at most 100000000 bytes"],
    ["no header", file(""), 'expected the header to start with "{", found byte none'],
    ["white space first", file(" {}"), 'expected the header to start with "{", found byte 32'],
    ["broken JSON", file('{"a":'), "expected a header of UTF-8 JSON"],
    ["broken UTF-8", file('{"a":1}').fill(0xff, 10, 11), "expected a header of UTF-8 JSON"],
    ["a name twice", file(`{"a":${entry(0, 4)},"a":${entry(4, 8)}}`, 8), 'has the key "a" twice'],
    ["a name twice, escaped", file(`{"a":${entry(0, 4)},"\\u0061":${entry(4, 8)}}`, 8), 'has the key "a" twice'],
    ["a field twice", file('{"a":{"dtype":"F32","dtype":"F16","shape":[],"data_offsets":[0,4]}}', 4), '"dtype" twice'],
    ["an unknown dtype", file(`{"a":${entry(0, 4, "F31")}}`, 4), "a: expected a dtype of F64, F32"],
    [
      "an unknown field",
      file('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', 4),
      'a: unknown field "x"',
    ],
    [
      "a negative size",
      file(`{"a":${entry(0, 4, "F32", [-1])}}`, 4),
      "a: expected a shape of whole numbers, found [-1]",
    ],
    ["a broken size", file(`{"a":${entry(0, 4, "F32", [0.5])}}`, 4), "a: expected a shape of whole numbers"],
    [
      "a wrong size",
      file(`{"a":${entry(0, 4, "F32", [2])}}`, 4),
      "a: F32 of shape [2] takes 8 bytes, data_offsets give 4",
    ],
    ["a size that overflows", file(`{"a":${entry(0, 0, "F32", [2 ** 40, 2 ** 40])}}`), "takes 4.83"],
    ["offsets the wrong way", file(`{"a":${entry(4, 0, "F32", [1])}}`, 4), "a: expected data_offsets [begin, end]"],
    ["offsets beyond the file", file(`{"a":${entry(0, 8)}}`, 4), "a: its data end 4 bytes beyond the file"],
    [
      "overlap",
      file(`{"a":${entry(0, 8)},"b":${entry(4, 12)}}`, 12),
      "b: its data overlap the tensor before it by 4 bytes",
    ],
    ["a hole", file(`{"a":${entry(0, 4)},"b":${entry(8, 12)}}`, 12), "b: 4 bytes before its data belong to no tensor"],
    ["bytes left over", file(`{"a":${entry(0, 4)}}`, 5), "the last 1 bytes of the file belong to no tensor"],
    [
      "metadata of numbers",
      file('{"__metadata__":{"epoch":3}}'),
      '__metadata__: expected strings, found number for "epoch"',
    ],
    ["metadata of a string", file('{"__metadata__":"x"}'), "__metadata__: expected an object of strings"],
  ])("%s", (_name, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(PspnetError);
    expect(() => readSafetensors(bytes)).toThrow(message);
  });

  it("any damage with a PspnetError or not at all", () => {
    const damage = fc.array(fc.record({ at: fc.nat(), to: fc.nat(255) }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(damage, fc.nat(), (flips, cut) => {
        const bytes = small().slice();
        for (const { at, to } of flips) bytes[at % bytes.length] = to;
        readOrRefuse(bytes);
        readOrRefuse(bytes.subarray(0, cut % bytes.length));
      }),
      { numRuns: 3000 },
    );
  });
});

function readOrRefuse(bytes: Uint8Array): void {
  try {
    for (const { shape, float32 } of readSafetensors(bytes).tensors.values()) {
      expect(float32()).toHaveLength(shape.reduce((product, n) => product * n, 1));
    }
  } catch (error) {
    if (!(error instanceof PspnetError)) throw error;
  }
}
