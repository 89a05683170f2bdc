import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { readCheckpoint } from "../src/index.js";

const fixtures = new URL("fixtures/", import.meta.url);
const fileOf = (name: string) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, fixtures))) });
const expected = JSON.parse(readFileSync(new URL("expected.json", fixtures), "utf8")) as Record<
  string,
  Record<string, [dtype: string, shape: number[], values: number[]]>
>;

describe.each(Object.entries(expected))("%s, as its own library wrote it", (name, tensors) => {
  it("gives every tensor with its type, shape and values", () => {
    const { state } = readCheckpoint([fileOf(name)]);
    expect([...state.keys()].sort()).toEqual(Object.keys(tensors).sort());
    for (const [key, [dtype, shape, values]] of Object.entries(tensors)) {
      const tensor = state.get(key)!;
      expect([key, tensor.dtype, tensor.shape, [...tensor.float32()]]).toEqual([key, dtype, shape, values]);
    }
  });
});

it("keeps the optimiser's tensors apart, and what else a file says as plain values", () => {
  const { beside, metadata, format } = readCheckpoint([fileOf("zip.pth")]);
  expect(format).toBe("torch.save");
  expect(metadata).toMatchObject({
    epoch: 3,
    arch: "pspnet",
    best: 0.25,
    args: { lr: 0.01, classes: ["wall", "sky"] },
  });
  expect([...beside.keys()]).toEqual(["optimizer.state.0.momentum_buffer", "optimizer.state.1.momentum_buffer"]);
});
