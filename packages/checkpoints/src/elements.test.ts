import { describe, expect, it } from "vitest";
import { allFinite, fromFloat32, toFloat32 } from "./elements.js";
import type { StoredDType } from "./tensor.js";

const through = (dtype: "float16" | "bfloat16" | "float64", ...values: number[]) => [
  ...toFloat32(fromFloat32(Float32Array.from(values), dtype), dtype),
];

describe("float16", () => {
  it("keeps every one of its own values", () => {
    const patterns = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits);
    const values = toFloat32(new Uint8Array(patterns.buffer), "float16");
    const back = new Uint16Array(fromFloat32(values, "float16").buffer);
    const changed = patterns.filter((bits, i) => back[i] !== bits && !Number.isNaN(values[i]));
    expect([...changed]).toEqual([]);
  });

  it("rounds to nearest, ties to even, and overflows to infinity", () => {
    expect(through("float16", 2049, 2051, 65519, 65520, -1e9)).toEqual([2048, 2052, 65504, Infinity, -Infinity]);
    expect(through("float16", 2 ** -24, 2 ** -25, 1.5 * 2 ** -25, 3 * 2 ** -25, 2 ** -30)).toEqual([
      2 ** -24,
      0,
      2 ** -24,
      2 ** -23,
      0,
    ]);
    expect(through("float16", Number.NaN)).toEqual([Number.NaN]);
  });
});

describe("bfloat16", () => {
  it("rounds to nearest, ties to even", () => {
    expect(through("bfloat16", 1, 257, 259, -3.140625, Infinity)).toEqual([1, 256, 260, -3.140625, Infinity]);
    expect(through("bfloat16", Number.NaN)).toEqual([Number.NaN]);
  });
});

it("reads integers of every width", () => {
  const bytes = Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff);
  expect([...toFloat32(bytes, "int64")]).toEqual([-1]);
  expect([...toFloat32(bytes, "int32")]).toEqual([-1, -1]);
  expect([...toFloat32(bytes, "uint16")]).toEqual([65535, 65535, 65535, 65535]);
  expect([...toFloat32(bytes.subarray(0, 2), "int8")]).toEqual([-1, -1]);
  expect([...toFloat32(bytes.subarray(0, 1), "uint8")]).toEqual([255]);
});

it("reads a part of a Node Buffer, at any offset", () => {
  const file = Buffer.concat([Buffer.of(9), new Uint8Array(Float32Array.of(1.5, -2).buffer), Buffer.of(9)]);
  expect([...toFloat32(file.subarray(1, 9), "float32")]).toEqual([1.5, -2]);
});

it("refuses to write floats as integers", () => {
  expect(() => fromFloat32(new Float32Array(1), "int64")).toThrow("found int64");
});

describe("finite elements", () => {
  it("are told from infinite ones and NaN, in every pattern of 16 bits", () => {
    for (const dtype of ["float16", "bfloat16"] as const) {
      const patterns = Uint16Array.from({ length: 0x1_0000 }, (_, bits) => bits);
      const values = toFloat32(new Uint8Array(patterns.buffer), dtype);
      const wrong = patterns.filter((bits) => {
        const bytes = new Uint8Array(Uint16Array.of(0x3c00, bits, 0).buffer);
        return allFinite(bytes, dtype) !== Number.isFinite(values[bits]);
      });
      expect([...wrong], dtype).toEqual([]);
    }
  });

  it.each<[StoredDType, number[], boolean]>([
    ["float32", [0, -1.5, 3.4e38, -3.4e38, 1e-45], true],
    ["float32", [1, Number.NaN], false],
    ["float32", [Number.NEGATIVE_INFINITY, 1], false],
    ["float64", [1, 3.4e38], true],
    ["float64", [1, 3.5e38], false],
  ])("%s %j: %s", (dtype, values, expected) => {
    const elements = dtype === "float64" ? Float64Array.from(values) : Float32Array.from(values);
    const bytes = new Uint8Array(elements.buffer);
    expect(allFinite(bytes, dtype)).toBe(expected);
    const file = Buffer.concat([Buffer.of(9), bytes]);
    expect(allFinite(file.subarray(1), dtype)).toBe(expected);
  });

  it("are all integers", () => {
    expect(allFinite(new Uint8Array(8).fill(0xff), "int64")).toBe(true);
  });
});
