import { fromFloat32, readSafetensors, type WritableTensor, writeSafetensors } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { quantisedWeights, realWeights } from "./quantisedWeights.js";

const float = (shape: readonly number[], ...values: readonly number[]) => ({
  dtype: "float32" as const,
  shape,
  float32: () => Float32Array.from(values),
});

const stored = (tensors: ReadonlyMap<string, WritableTensor>) => readSafetensors(writeSafetensors(tensors)).tensors;

describe("weights in int8", () => {
  const state = new Map([
    ["conv.weight", float([3, 2, 1, 1], 127, -2, 0.5, 0.25, 0, 0)],
    ["conv.bias", float([3], 1, 2, 3)],
  ]);
  const tensors = stored(quantisedWeights(state, new Set(["conv.weight"])));

  it("are multiples of a scale for each output", () => {
    expect([...new Int8Array(tensors.get("conv.weight")!.bytes)]).toEqual([127, -2, 127, 64, 0, 0]);
    expect([...tensors.get("conv.weight_scale")!.float32()]).toEqual([1, Math.fround(0.5 / 127), 1]);
  });

  it("are read as what they stand for, and what is not in int8 as it is", () => {
    const real = realWeights(tensors);
    expect([...real.keys()].sort()).toEqual(["conv.bias", "conv.weight"]);
    const expected = [127, -2, 0.5, (64 * 0.5) / 127, 0, 0];
    for (const [i, value] of real.get("conv.weight")!.float32().entries()) expect(value).toBeCloseTo(expected[i], 6);
    expect([...real.get("conv.bias")!.float32()]).toEqual([1, 2, 3]);
  });

  it("that are stored anew are the same", () => {
    const again = quantisedWeights(realWeights(tensors), new Set(["conv.weight"]));
    expect(again.get("conv.weight")!.bytes).toEqual(new Uint8Array(tensors.get("conv.weight")!.bytes));
  });

  const scale = (...values: readonly number[]): WritableTensor => ({
    dtype: "float32",
    shape: [values.length],
    bytes: fromFloat32(Float32Array.from(values), "float32"),
  });

  it.each([
    ["NaN", scale(1, Number.NaN, 1), "found NaN"],
    ["0", scale(1, 0, 1), "found 0"],
    ["negative", scale(1, -1, 1), "found -1"],
    ["infinite", scale(1, Number.POSITIVE_INFINITY, 1), "found Infinity"],
    ["too large", scale(1, 1e38, 1), "found 9.99"],
    ["too few", scale(1, 1), String.raw`found \[2\]`],
    ["missing", null, "found none"],
  ])("are refused with scales that are %s", (_what, given, found) => {
    const broken = new Map<string, WritableTensor>(tensors);
    if (given) broken.set("conv.weight_scale", given);
    else broken.delete("conv.weight_scale");
    expect(() => realWeights(stored(broken))).toThrow(
      new RegExp(`^conv.weight_scale: expected a number above 0 for each of the 3 outputs .*${found}.*pspnet quantise`),
    );
  });
});
