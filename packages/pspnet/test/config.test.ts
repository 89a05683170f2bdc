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
  expect(config.augment).toEqual({
    scaleMin: 0.5,
    scaleMax: 2,
    rotate: 10,
    blur: true,
    mirror: true,
    photometric: false,
  });
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
  ["epoch=3", /^command line: unknown key "epoch"; did you mean "epochs"\?$/],
  ["layers=18", /^command line: unknown key "layers"; did you mean "model\.backbone\.layers"\?$/],
  ["layer=18", /unknown key "layer"; did you mean "model\.backbone\.layers"\?$/],
  ["headChannels=8", /unknown key "headChannels"; did you mean "model\.head\.channels"\?$/],
  ["dropout=0", /unknown key "dropout"; did you mean "model\.head\.dropout" or "model\.auxiliary\.dropout"\?$/],
  ["data.batch=4", /unknown key "data\.batch"; did you mean "batch"\?$/],
  ["model.layer=18", /model: unknown key "layer"; did you mean "layers"\?/],
  ["model.backbone.layer=18", /model\.backbone: unknown key "layer"; did you mean "layers"\?/],
  ["model.layers=20", /^command line: model\.backbone\.layers: expected one of 18, 34, 50, 101, 152, 269, found 20/],
  ["model.input.mean=[123.7,116.3,103.5]", /model\.input\.mean: expected numbers from 0 to 1, one a channel .*divide/],
  ["classWeights=[1,-1]", /classWeights\.1: expected at least 0, found -1/],
  ["classWeights=[0,0]", /classWeights: expected at least one weight above 0, found \[0,0\]$/],
  ["classWeights=[.nan,1]", /classWeights: expected enet, median or a list of numbers, found \[null,1\]$/],
  ["classWeights=balanced", /classWeights: expected enet, median or a list of numbers, found "balanced"$/],
  ["loss.ohem=1", /loss\.ohem: expected less than 1, found 1$/],
  ["loss.smoothing=0.1", /unknown key "loss\.smoothing"/],
  ["freeze=5", /freeze: expected at most 4, found 5$/],
  ["freeze=all", /freeze: expected none, backbone, or how many stages of it.*, found "all"$/],
  ["freezeBn=heads", /freezeBn: expected true, false or backbone, found "heads"$/],
  ["ema=1", /ema: expected less than 1, found 1$/],
  ["augment.zebra=1", /unknown key "augment\.zebra"; known keys are scaleMin/],
  ["workers=1000", /^command line: workers: expected at most 64, found 1000$/],
  ["batch=0", /^command line: batch: expected at least 1, found 0$/],
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
  ["data.ids={7: []}", /data\.ids\.7: expected a class or a range of them, found \[\]$/],
  ["data.ids={7: -1}", /data\.ids\.7: expected at least 0, found -1$/],
  ["data.classes=3", /data\.classes: expected a preset, a file of names, or a list of at least 2 names, found 3$/],
  ["data.classes=[a]", /data\.classes: expected at least 2 of them, found \["a"\]$/],
  ['data.root=""', /data\.root: expected the folder of a dataset, found ""$/],
  ["name=my run", /name: expected letters, digits, dots, dashes and underscores alone, found "my run"$/],
  ["batch=6", /^command line: batch: expected a multiple of accumulate=4, found 6$/],
  ["crop=128", /crop: expected 8n\+1, .*found 128; take 121 or 129/],
  ["crop=[129,130]", /^command line: crop\.1: expected 8n\+1, .*found 130; take 129 or 137$/],
  ["crop=[129]", /crop: expected a whole number, or two of them, \[height, width\], found \[129\]$/],
  ["crop=[1,129]", /crop\.0: expected at least 9, found 1$/],
  ["crop=1", /crop: expected at least 9, found 1$/],
  ["model.preset=smp-resnet43", /model\.preset: expected the name of .*did you mean "smp-resnet34"/],
  ["budget=4x", /budget: expected a number and s, m or h, such as 4m, found "4x"$/],
  ["budget=0s", /budget: expected a time above 0, found 0s/],
  ["lr", /expected key=value, found "lr"/],
])("%s is refused", async (override, message) => {
  await expect(load("data: { root: . }\naccumulate: 4\nbatch: 8", override)).rejects.toThrow(message);
});

test.each([
  ["layers: 18", 'unknown key "layers"; did you mean "model.backbone.layers"?'],
  ["lr: fast", 'lr: expected a number, found "fast"'],
  ["model: { pyramid: { zebra: 1 } }", 'model.pyramid: unknown key "zebra"'],
  ["crop: 128", "crop: expected 8n+1"],
])("%s in a file is told as the file's, whatever the command line says beside it", async (line, message) => {
  const wrong = load(`data: { root: . }\n${line}`, "model.pyramid.pool=max", "epochs=3");
  await expect(wrong).rejects.toThrow(`run.yaml: ${message}`);
});

test("no key's wrong value is answered in a validator's words", async () => {
  const wrong = ["{ zebra: 1 }", "[[]]", "-1", "1e400", '""', "z z", "true", "null"];
  for (const { key } of describeKeys()) {
    const answers = await Promise.all(
      wrong.map((value) =>
        loadTrainConfig(null, ["data.root=.", `${key}=${value}`], folder).then(
          () => "",
          ({ message }: Error) => message,
        ),
      ),
    );
    expect(answers.join(""), key).not.toBe("");
    for (const line of answers.join("\n").split("\n").filter(Boolean))
      expect(line).toMatch(/^command line: ([\w.]+: expected .+, found .+|([\w.]+: )?unknown key ".+)$/);
  }
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

test.each([
  ["model.backbone.outputStride=16", 481],
  ["model.upsampling.sizes=8n", 480],
  ["model.preset=smp-resnet34", 512],
  ["model.backbone.layers=18", 473],
])("with %s a crop that is left out is one that the network takes", async (override, side) => {
  expect((await load("data: { root: . }", override)).crop).toBe(side);
});

describe("a preset", () => {
  test("is the network and the crop where nothing else is said", async () => {
    const { model, crop } = await load("data: { root: . }\nmodel: { preset: smp-resnet34, backbone: { width: 8 } }");
    expect(model.backbone).toMatchObject({ layers: 34, stages: 2, width: 8 });
    expect([model.upsampling.sizes, crop]).toEqual(["8n", 512]);
    const over = await load("data: { root: . }\nmodel: { preset: smp-resnet34 }\ncrop: 256", "model.layers=18");
    expect(over).toMatchObject({ model: { backbone: { layers: 18, stages: 2 } }, crop: 256 });
  });

  test("on the command line stands below what a file says", async () => {
    const { model, crop } = await load("data: { root: . }\nmodel: { layers: 18 }", "model.preset=mmseg-r50-d8");
    expect(model.backbone).toMatchObject({ layers: 18, firstDilation: "halved" });
    expect([model.pyramid, crop]).toMatchObject([{ channels: 512, alignCorners: false }, 512]);
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
  await expect(load("[a, b]")).rejects.toThrow(/run\.yaml: expected keys and values at the top, found a list/);
  await expect(load("a: &a [*a]")).rejects.toThrow(/run\.yaml: expected values that end, found an alias in itself/);
  await expect(loadTrainConfig("none.yaml", [], folder)).rejects.toThrow(
    /^\S*none\.yaml: expected a readable YAML file \(ENOENT/,
  );
});

test("every key has a meaning or a default to show", () => {
  const keys = describeKeys();
  expect(keys.length).toBeGreaterThan(40);
  for (const { key, fallback, meaning } of keys) expect(fallback + meaning, key).not.toBe("");
  const key = (name: string) => keys.find((one) => one.key === name);
  expect(key("model.backbone.layers")).toMatchObject({
    fallback: "50",
    meaning: "depth: 18 | 34 | 50 | 101 | 152 | 269",
  });
  expect(key("model.backbone.stemChannels")).toMatchObject({ fallback: "[64,64,128]" });
  expect(key("model.pyramid.kind")).toMatchObject({ fallback: '"pooling"', meaning: "pooling | factors | none" });
  const layers = keys.filter((one) => one.key === "model.backbone.layers").map(({ meaning }) => meaning);
  expect(layers[1]).toBe("(densenet) depth: 121 | 161 | 169 | 201");
  expect(keys.filter((one) => one.key === "model.head.bias")).toHaveLength(1);
});
