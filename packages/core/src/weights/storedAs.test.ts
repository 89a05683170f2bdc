import { expect, it } from "vitest";
import { storedAs } from "./storedAs.js";

const state = (...values: readonly number[]) =>
  new Map([
    ["a.weight", { shape: [values.length], dtype: "float32", float32: () => Float32Array.from(values) }],
  ] as const);

it("keeps numbers as halves, and refuses those that are none, naming the tensor", () => {
  const { dtype, shape, bytes } = storedAs(state(1, -2.5), "float16").get("a.weight")!;
  expect([dtype, shape, [...bytes]]).toEqual(["float16", [2], [0x00, 0x3c, 0x00, 0xc1]]);
  const message = "a.weight: expected numbers of at most 65504 for fp16, found -70000 at 1; export as fp32";
  expect(() => storedAs(state(1, -70_000), "float16")).toThrow(message);
  expect(storedAs(state(70_000), "float32").get("a.weight")!.bytes.length).toBe(4);
});
