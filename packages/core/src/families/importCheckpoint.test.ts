import { readSafetensors, type State, type StateTensor, toFloat32, writeSafetensors } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { CAMVID_SEMSEG, CITYSCAPES } from "../image/classLists.js";
import { pspnetConfig } from "../model/config.js";
import { parseWeights } from "../weights/parseWeights.js";
import { randomWeights } from "../weights/randomWeights.js";
import type { ForeignCheckpoint } from "./family.js";
import { type ImportOptions, importCheckpoint } from "./importCheckpoint.js";

const config = pspnetConfig({
  classes: 19,
  backbone: { layers: 18, width: 4 },
  head: { channels: 8 },
  auxiliary: { channels: 6 },
});
const ours = readSafetensors(randomWeights(config)).tensors;

function checkpoint(state: State): ForeignCheckpoint {
  return { format: "torch zip", state, metadata: {} };
}

function renamed(state: State, to: (name: string) => string): Map<string, StateTensor> {
  return new Map([...state].map(([name, tensor]) => [to(name), tensor]));
}

const counter = new Map<string, StateTensor>([
  ["layer0.1.num_batches_tracked", { shape: [], dtype: "int64", float32: () => Float32Array.of(3) }],
]);

const take = (state: State, options?: ImportOptions) => importCheckpoint(checkpoint(state), options);

describe("a checkpoint that is recognised", () => {
  const trained = new Map([
    ...renamed(new Map([...ours, ...counter]), (name) => `state_dict.module.${name}`),
    ["optimizer.state.0.momentum_buffer", ours.get("cls.4.bias")!] as const,
  ]);

  it("becomes a weights file that describes itself", () => {
    const { family, state, metadata } = take(trained);
    expect(family.name).toBe("semseg");
    const file = parseWeights(writeSafetensors(state, metadata));
    expect(file.description).toMatchObject({ config, classes: CITYSCAPES, crop: 713 });
    for (const [name, tensor] of ours) expect(file.state.get(name)!.float32()).toEqual(tensor.float32());
  });

  it("has every tensor accounted for", () => {
    const { tensors } = take(trained);
    expect(tensors.map(({ name }) => name)).toEqual([...trained.keys()]);
    const of = (name: string) => tensors.find((one) => one.name === name);
    const classifier = "state_dict.module.cls.4.weight";
    expect(of(classifier)).toEqual({
      name: classifier,
      shape: [19, 8, 1, 1],
      dtype: "float32",
      fate: "renamed",
      to: "cls.4.weight",
      because: null,
    });
    expect(of("state_dict.module.layer0.1.num_batches_tracked")).toMatchObject({ fate: "dropped", to: null });
    expect(of("optimizer.state.0.momentum_buffer")).toMatchObject({ fate: "dropped", to: null });
    expect(take(ours).tensors.every(({ fate }) => fate === "used")).toBe(true);
  });

  it("is what is said of it where shapes do not tell, and assumes the rest aloud", () => {
    const { config: told, assumed } = take(ours, { fields: { backbone: { strideIn: "1x1" } } });
    expect(told.backbone).toMatchObject({ layers: 18, width: 4, strideIn: "1x1" });
    expect(assumed.map(({ key }) => key)).not.toContain("backbone.strideIn");
    expect(assumed).toContainEqual(expect.objectContaining({ key: "upsampling.alignCorners", value: true }));
  });

  it("has the classes and the crop that are given, else those of its number of classes", () => {
    const camvid = readSafetensors(randomWeights(pspnetConfig({ ...config, classes: 11 }))).tensors;
    expect(take(camvid).description).toMatchObject({ classes: CAMVID_SEMSEG, crop: 473 });
    const five = readSafetensors(randomWeights(pspnetConfig({ ...config, classes: 5 }))).tensors;
    expect(take(five).description?.classes.names).toEqual(["class 0", "class 1", "class 2", "class 3", "class 4"]);
    const classes = { names: ["a", "b", "c", "d", "e"], palette: CITYSCAPES.palette.slice(0, 5) };
    expect(take(five, { classes, crop: 321 }).description).toMatchObject({ classes, crop: 321 });
    expect(() => take(five, { classes: CITYSCAPES })).toThrow("expected 5 names and colours");
  });

  it("keeps halves as halves", () => {
    const half = new Map([...ours].map(([name, tensor]) => [name, { ...tensor, dtype: "float16" as const }]));
    const { state } = take(half);
    expect(state.get("cls.0.weight")).toMatchObject({ dtype: "float16", shape: [8, 64, 3, 3] });
  });
});

describe("a backbone alone", () => {
  const stem: Record<string, string> = { 0: "conv1", 1: "bn1", 3: "conv2", 4: "bn2", 6: "conv3", 7: "bn3" };
  const backbone = new Map([...ours].filter(([name]) => name.startsWith("layer")));
  const classifier = renamed(backbone, (name) => name.replace(/^layer0\.(\d)/, (_, layer: string) => stem[layer]));

  it("takes our names, and leaves its classifier", () => {
    const { description, state, family, tensors } = take(
      new Map([...classifier, ["fc.bias", ours.get("cls.4.bias")!]]),
    );
    expect([family.name, description]).toEqual(["resnet", null]);
    expect([...state.keys()]).toEqual([...backbone.keys()]);
    for (const [name, tensor] of backbone)
      expect(toFloat32(state.get(name)!.bytes, "float32")).toEqual(tensor.float32());
    expect(tensors.at(-1)).toMatchObject({ name: "fc.bias", fate: "dropped" });
  });
});

describe("a checkpoint that is not recognised", () => {
  const without = (lost: string) => new Map([...ours].filter(([name]) => name !== lost));

  it.each<[string, State, ImportOptions, string[]]>([
    ["of another network", new Map([["h.0.attn.weight", ours.get("cls.4.bias")!]]), {}, ["h.0.attn.weight [19]"]],
    ["with a tensor missing", without("ppm.features.2.1.weight"), {}, ["nearest is semseg", "ppm.features.2.1.weight"]],
    [
      "with a stranger",
      new Map([...ours, ["psa.weight", ours.get("cls.4.bias")!]]),
      {},
      ["nearest is semseg", "psa.weight [19]: a name that it has not"],
    ],
    ["told otherwise", ours, { fields: { backbone: { strideIn: "2x2" } } }, ["strideIn: expected one of 1x1, 3x3"]],
    ["told of another family", ours, { from: "resnet" }, ["nearest is resnet"]],
    ["told of no family", ours, { from: "semsge" }, ["from: expected one of auto, semseg"]],
    ["without tensors", new Map(), {}, ["found 0 tensors"]],
  ])("says what it looks like: %s", (_, state, options, messages) => {
    for (const message of messages) expect(() => take(state, options)).toThrow(message);
  });

  it("holds numbers that are not finite", () => {
    const bias = { ...ours.get("cls.4.bias")!, float32: () => new Float32Array(19).fill(Number.NaN) };
    expect(() => take(new Map([...ours, ["cls.4.bias", bias]]))).toThrow("cls.4.bias: expected finite numbers");
  });
});
