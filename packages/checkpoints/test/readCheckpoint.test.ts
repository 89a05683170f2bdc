import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { bundlePrefix, readCheckpoint } from "../src/index.js";

const fixtures = new URL("fixtures/", import.meta.url);
const names = readdirSync(fixtures);
const fileOf = (name: string) => ({ name, bytes: new Uint8Array(readFileSync(new URL(name, fixtures))) });
const expectedBy = (name: string) => JSON.parse(readFileSync(new URL(name, fixtures), "utf8"));
const expected: Record<string, Record<string, [dtype: string, shape: number[], values: number[]]>> = {
  ...expectedBy("expected.json"),
  ...expectedBy("expectedTensorflow.json"),
};
/** The file, and those that belong to it. */
const filesOf = (name: string) => {
  const prefix = bundlePrefix(name);
  return prefix === null ? [fileOf(name)] : names.filter((other) => bundlePrefix(other) === prefix).map(fileOf);
};

describe.each(Object.entries(expected))("%s, as its own library wrote it", (name, tensors) => {
  it("gives every tensor with its type, shape and values", () => {
    const { state } = readCheckpoint(filesOf(name));
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

describe("a checkpoint of TensorFlow", () => {
  const index = "saver.ckpt-60000.index";
  const data = "saver.ckpt-60000.data-00000-of-00001";

  it("keeps what an optimiser and a counter left apart, whatever else is given with it", () => {
    const meta = { name: "saver.ckpt-60000.meta", bytes: Uint8Array.of(1, 2, 3) };
    const { beside, format } = readCheckpoint([meta, fileOf(data), fileOf(index)]);
    expect(format).toBe("TensorFlow checkpoint");
    expect([...beside.keys()]).toEqual(["conv1/weights/Momentum", "global_step"]);
    const objects = readCheckpoint(filesOf("objects.index"));
    expect([...objects.beside.keys()]).toEqual(["layer/kernel/.OPTIMIZER_SLOT/optimizer/momentum"]);
  });

  it("names the files that are missing, and the format of before 0.12", () => {
    expect(() => readCheckpoint([fileOf(index)])).toThrow(
      `${index}: expected the checkpoint's data with it in *.data-0`,
    );
    expect(() => readCheckpoint([fileOf(data)])).toThrow("give saver.ckpt-60000.index too");
    const shards = ["shards.index", "shards.data-00000-of-00002"].map(fileOf);
    expect(() => readCheckpoint(shards)).toThrow("*.data-00001-of-00002");
    expect(() => readCheckpoint([fileOf("version1.ckpt")])).toThrow(
      "version 1; restore it in TensorFlow and save it anew",
    );
  });

  it("is refused where its data are not what was saved", () => {
    const { name, bytes } = fileOf(data);
    bytes[0] ^= 1;
    const { state } = readCheckpoint([fileOf(index), { name, bytes }]);
    expect(() => [...state.values()].map((tensor) => tensor.float32())).toThrow(`expected its checksum in ${data}`);
    expect(() => readCheckpoint([fileOf(index), { name, bytes: bytes.subarray(1) }])).toThrow("it is cut off");
  });
});
