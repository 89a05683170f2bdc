import { autocast, noGrad, setNumThreads, type Tensor, tensor, zeros } from "@pspnet/torch";
import { describe, expect, it } from "vitest";
import { native } from "../src/binding.js";

const x = zeros([2, 3]);

describe("numbers", () => {
  it.each([
    ["infinite", Number.POSITIVE_INFINITY],
    ["not a number", Number.NaN],
    ["broken", 1.5],
    ["larger than a double counts", 2 ** 60],
  ])("that are %s are no sizes", (_name, value) => {
    expect(() => x.narrow(0, 0, value)).toThrow(/^narrow: length: expected a whole number, found/);
    expect(() => x.reshape([value])).toThrow(/^reshape: shape: expected/);
    expect(() => zeros([value])).toThrow(/shape: expected/);
  });

  it("of threads lie within what the machine can have", () => {
    expect(() => setNumThreads(0)).toThrow(/^setNumThreads: count: expected a whole number from 1 to \d+, found 0/);
    expect(() => setNumThreads(100_000)).toThrow(/found 100000/);
  });
});

describe("lists", () => {
  it("have the length that is expected", () => {
    const image = zeros([1, 1, 4, 4]);
    expect(() => image.upsampledArgmax([8] as never, [8, 8], { alignCorners: true })).toThrow(/size: expected/);
    expect(() => native().adaptiveAvgPool2d(image.handle, [1, 2, 3])).toThrow(/expected/);
    expect(() => native().conv2d(image.handle, zeros([1, 1, 1, 1]).handle, null, [], [0, 0], [1, 1], 1)).toThrow(
      /expected/,
    );
  });

  it("that are far too long, or hold themselves, are told", () => {
    expect(() => x.reshape(new Array(2 ** 21).fill(1))).toThrow(/expected/);
    const cyclic: unknown[] = [];
    cyclic.push(cyclic);
    expect(() => native().add(cyclic, cyclic)).toThrow(/^add: self: expected a Tensor, found \[\[/);
  });

  it("of sizes are of no more elements than memory could have", () => {
    expect(() => zeros([2 ** 40, 2 ** 40])).toThrow(/expected/);
    expect(() => zeros([-1])).toThrow(/expected/);
  });
});

describe("devices", () => {
  it.each(["tpu", "cuda:", "cuda:-1", "cuda:1x", ""])("%j is none", (device) => {
    expect(() => zeros([1], { device })).toThrow(/device: expected cpu, cuda/);
  });
});

it("autocast that is given a wrong type has not begun: the weights it casts later are fresh", () => {
  const weight = tensor([1, 2, 3, 4], [2, 2]);
  const product = (): Tensor => autocast({ dtype: "bfloat16" }, () => zeros([2, 2]).add(1).matmul(weight));
  weight.requiresGrad = true;
  expect(() => autocast({ dtype: "int64" as never }, () => {})).toThrow(/dtype: expected/);
  expect(product().toNumbers()).toEqual([4, 6, 4, 6]);
  noGrad(() => weight.mul_(2));
  expect(product().toNumbers()).toEqual([8, 12, 8, 12]);
});
