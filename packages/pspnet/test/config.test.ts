import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { describeKeys } from "../src/config/keys.js";
import { loadTrainConfig } from "../src/config/load.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-config-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function load(yaml: string, ...overrides: string[]) {
  await writeFile(join(folder, "run.yaml"), yaml);
  return loadTrainConfig("run.yaml", overrides, folder);
}

test("the defaults are the official recipe", async () => {
  const config = await load("data: { root: here }");
  expect(config).toMatchObject({
    lr: 0.01,
    power: 0.9,
    momentum: 0.9,
    weightDecay: 1e-4,
    headLrFactor: 10,
    auxWeight: 0.4,
    batch: 16,
    crop: 473,
  });
  expect(config.augment).toEqual({ scaleMin: 0.5, scaleMax: 2, rotate: 10, blur: true, mirror: true });
  expect(config.model).toMatchObject({
    backbone: { layers: 50, stem: "deep" },
    pyramid: { bins: [1, 2, 3, 6], alignCorners: true },
    upsampling: { alignCorners: true },
  });
});

test("overrides win, keep their siblings, and paths are relative to where they were given", async () => {
  const config = await load(
    "data: { root: data }\nmodel: { layers: 101, stem: plain }",
    "model.layers=18",
    "lr=0.02",
    "init=w.safetensors",
  );
  expect(config.model.backbone).toMatchObject({ layers: 18, stem: "plain" });
  expect(config).toMatchObject({ lr: 0.02, init: join(folder, "w.safetensors"), data: { root: join(folder, "data") } });
});

test.each([
  ["epoch=3", /unknown key "epoch"; did you mean "epochs"\?/],
  ["model.layer=18", /model: unknown key "layer"; did you mean "layers"\?/],
  ["model.backbone.layer=18", /model\.backbone: unknown key "layer"; did you mean "layers"\?/],
  ["model.layers=20", /run\.yaml: model\.backbone\.layers: expected one of 18, 34, 50, 101, 152, found 20/],
  ["model.input.mean=[123.7,116.3,103.5]", /model\.input\.mean: expected three numbers from 0 to 1 .*divide/],
  ["classWeights=[1,-1]", /classWeights\.1: expected at least 0, found -1/],
  ["classWeights=[0,0]", /classWeights: expected at least one weight above 0/],
  ["classWeights=[.nan,1]", /classWeights\.0: .*NaN/],
  ["augment.zebra=1", /unknown key "augment\.zebra"; known keys are scaleMin/],
  ["batch=0", /run\.yaml: batch: expected at least 1, found 0$/],
  ["lr=0", /lr: expected more than 0, found 0$/],
  ["lr=fast", /lr: expected a number, found "fast"$/],
  ["lr=", /lr: expected a number, found nothing$/],
  ["lr=[1", /expected a value that YAML can read in "lr=\[1": Flow sequence/],
  ["epochs=1.5", /epochs: expected a whole number, found 1\.5$/],
  ["fraction=2", /fraction: expected at most 1, found 2$/],
  ["resume=yes", /resume: expected true or false, found "yes"$/],
  ["precision=fp8", /precision: expected auto, fp32 or bf16, found "fp8"$/],
  ["augment=3", /augment: expected keys and values, found 3$/],
  ["data.ids=3", /data\.ids: expected keys and values, found 3$/],
  ["data.classes=3", /data\.classes: expected text or a list, found 3$/],
  ["data.classes=[a]", /data\.classes: expected at least 2 of them, found \["a"\]$/],
  ["batch=6", /batch=6 is not divisible by accumulate=4/],
  ["crop=128", /crop: expected 8n\+1, .*found 128; take 121 or 129/],
  ["budget=4x", /budget: a number and s, m or h: 4m/],
  ["budget=0s", /budget=0s: expected a time above 0/],
  ["lr", /expected key=value, found "lr"/],
])("%s is refused", async (override, message) => {
  await expect(load("data: { root: . }\naccumulate: 4\nbatch: 8", override)).rejects.toThrow(message);
});

describe("an override of the network", () => {
  const model = async (yaml: string, ...overrides: string[]) =>
    (await load(`data: { root: . }\nmodel: ${yaml}`, ...overrides.map((override) => `model.${override}`))).model;

  test("is the same by part and by the flat name of version 1, over either", async () => {
    const expected = await model("{ backbone: { layers: 18 }, head: { channels: 16 } }");
    expect(await model("{ layers: 50, headChannels: 16 }", "backbone.layers=18")).toEqual(expected);
    expect(await model("{ backbone: { layers: 50 }, headChannels: 16 }", "layers=18")).toEqual(expected);
    expect(await model("{ layers: 50 }", "layers=18", "headChannels=16")).toEqual(expected);
  });

  test("of its kind lets go of the fields of the other", async () => {
    const pyramid = { kind: "none" };
    expect(await model("{ pyramid: { bins: [1] } }", "pyramid.kind=none")).toMatchObject({ pyramid });
    expect(await model("{ bins: [1] }", "ppm=false", "alignCorners=false")).toMatchObject({ pyramid });
    expect(await model("{ ppm: false }", "dropout=0", "ppm=true")).toMatchObject({ pyramid: { bins: [1, 2, 3, 6] } });
    const kept = await model("{ pyramid: { bins: [1] } }", "pyramid.kind=pooling", "pyramid.pool=max");
    expect(kept.pyramid).toMatchObject({ bins: [1], pool: "max" });
  });
});

test("a run has no budget but the one it is given", async () => {
  expect(await load("data: { root: . }")).toMatchObject({ budget: null });
  expect(await load("data: { root: . }", "budget=1.5m")).toMatchObject({ budget: "1.5m" });
});

test("without aligned corners any crop will do", async () => {
  expect(await load("data: { root: . }", "crop=128", "model.alignCorners=false")).toMatchObject({ crop: 128 });
});

test("a file that is no YAML or not there is named", async () => {
  await expect(load("a: [1")).rejects.toThrow(/run\.yaml: expected YAML/);
  await expect(loadTrainConfig("none.yaml", [], folder)).rejects.toThrow(
    /^\S*none\.yaml: expected a readable YAML file \(ENOENT/,
  );
});

test("every key has a meaning or a default to show", () => {
  const keys = describeKeys();
  expect(keys.length).toBeGreaterThan(40);
  for (const { key, fallback, meaning } of keys) expect(fallback + meaning, key).not.toBe("");
  const key = (name: string) => keys.find((one) => one.key === name);
  expect(key("model.backbone.layers")).toMatchObject({ fallback: "50", meaning: "depth: 18 | 34 | 50 | 101 | 152" });
  expect(key("model.backbone.stemChannels")).toMatchObject({ fallback: "[64,64,128]" });
  expect(key("model.pyramid.kind")).toMatchObject({ fallback: '"pooling"', meaning: "pooling | none" });
});
