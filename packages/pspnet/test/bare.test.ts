import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodePng, makeScene, pspnetConfig, randomWeights, sceneClasses } from "pspnet";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installBare, runIn } from "./support/bare.js";
import { pspnet } from "./support/cli.js";

// Installations in which libtorch's addon is not built, with and without onnxruntime-node.

let folder: string;
let withOnnx: string;
let withNothing: string;
const command = "node_modules/pspnet/bin/pspnet.js";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-bare-"));
  [withOnnx, withNothing] = [join(folder, "onnx"), join(folder, "nothing")];
  await installBare(withOnnx, { onnx: true });
  await installBare(withNothing, { onnx: false });
  const config = pspnetConfig({ classes: 5, layers: 18, width: 8, headChannels: 32, aux: false });
  const photo = await encodePng(makeScene({ width: 90, height: 70, seed: 1, index: 0 }).image);
  for (const place of [withOnnx, withNothing]) {
    await writeFile(join(place, "weights.safetensors"), randomWeights(config));
    await writeFile(join(place, "photo.png"), photo);
    await writeFile(
      join(place, "segment.js"),
      `import { load } from "pspnet";
       const net = await load("weights.safetensors");
       const { areas } = await net.segment("photo.png");
       console.log(net.runtime, areas.reduce((sum, { pixels }) => sum + pixels, 0));
       await net.dispose();`,
    );
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("without libtorch, with onnxruntime-node", () => {
  test("load takes onnxruntime-node by itself, and the process ends", async () => {
    const { out, err, code } = await runIn(withOnnx, ["segment.js"]);
    expect(err).toBe("");
    expect(out).toBe(`onnx ${90 * 70}\n`);
    expect(code).toBe(0);
  });

  test("a network that nobody disposed of does not keep the process alive", async () => {
    const program = `import { load } from "pspnet";
      const net = await load("weights.safetensors");
      console.log((await net.segment("photo.png")).labels.width);`;
    await writeFile(join(withOnnx, "careless.js"), program);
    const { out, err, code } = await runIn(withOnnx, ["careless.js"]);
    expect(out + err).toBe("90\n");
    expect(code).toBe(0);
  });

  test("predict works, with windows and flips too", async () => {
    const flags = ["--crop", "57", "--flip", "--scales", "1,1.5", "--json"];
    const { out, code } = await runIn(withOnnx, [command, "predict", "weights.safetensors", "photo.png", ...flags]);
    expect(code).toBe(0);
    expect(JSON.parse(out)[0].files).toHaveLength(4);
  });

  test("val scores as it does with libtorch", async () => {
    const config = pspnetConfig({
      classes: sceneClasses.names.length,
      layers: 18,
      width: 8,
      headChannels: 32,
      aux: false,
    });
    await writeFile(join(withOnnx, "scenes.safetensors"), randomWeights(config, { classes: sceneClasses }));
    const make = ["data", "make", "scenes", "scored", "--train", "1", "--val", "3", "--size", "97x81"];
    expect((await runIn(withOnnx, [command, ...make])).code).toBe(0);
    const score = ["val", "scenes.safetensors", "--data", "scored", "--precision", "fp32", "--json"];
    const here = JSON.parse((await runIn(withOnnx, [command, ...score])).out);
    const torch = JSON.parse((await pspnet([...score, "--runtime", "torch"], { cwd: withOnnx })).out);
    expect(here.images).toBe(3);
    expect(here.pixelAccuracy).toBeGreaterThan(0);
    expect(here.pixelAccuracy).toBeCloseTo(torch.pixelAccuracy, 3);
    expect(here.meanIoU).toBeCloseTo(torch.meanIoU, 3);
  });

  test("val scores by shards, which need nothing of each other; ranks say what they meet by", async () => {
    const score = [command, "val", "scenes.safetensors", "--data", "scored"];
    const told = ({ out }: { readonly out: string }) => ({ ...JSON.parse(out), seconds: 0 });
    for (const shard of ["1/2", "2/2"]) await runIn(withOnnx, [...score, "--shard", shard]);
    const merged = await runIn(withOnnx, [command, "val", "--merge", ".", "--json"]);
    expect(told(merged)).toEqual(told(await runIn(withOnnx, [...score, "--json"])));
    const { err, code } = await runIn(withOnnx, [...score, "--ranks", "2"]);
    expect(err).toMatch(/^pspnet: several ranks meet by libtorch, whatever the network runs on: .*not built; build it/);
    expect(code).toBe(1);
  });

  test("export writes ONNX, bench times onnxruntime, check says what libtorch is for", async () => {
    const written = await runIn(withOnnx, [command, "export", "weights.safetensors", "--to", "onnx", "--preprocess"]);
    expect(written.err + written.out).toMatch(/weights\.onnx: .*\ninput image: uint8 \[n, h, w, 3\]/);
    expect(written.code).toBe(0);
    const flags = ["--size", "65", "--rounds", "1", "--json"];
    const { out, code } = await runIn(withOnnx, [command, "bench", "weights.safetensors", ...flags]);
    expect(code).toBe(0);
    expect(JSON.parse(out).results).toMatchObject([{ runtime: "onnx", precision: "fp32" }]);
    const found = await runIn(withOnnx, [command, "check"]);
    expect(found.out).toMatch(/libtorch +not usable; training needs it/);
    expect(found.out).toMatch(/onnxruntime-node +\d/);
  });

  test("libtorch, when it is insisted on, and training tell the command that builds it", async () => {
    const predict = [command, "predict", "weights.safetensors", "photo.png", "--runtime", "torch"];
    const { err, code } = await runIn(withOnnx, predict);
    const expected = /^pspnet: libtorch: expected the native addon .*it is not built; build it with/;
    expect(err).toMatch(expected);
    expect(code).toBe(1);
    await runIn(withOnnx, [command, "data", "make", "scenes", "scenes", "--train", "24", "--val", "12"]);
    await writeFile(join(withOnnx, "run.yaml"), "data: { root: scenes }\ncrop: 33\nbatch: 2\nepochs: 1\n");
    expect((await runIn(withOnnx, [command, "train", "run.yaml"])).err).toMatch(expected);
  });
});

describe("without either", () => {
  test("one message with a command for each", async () => {
    const { err, code } = await runIn(withNothing, [command, "predict", "weights.safetensors", "photo.png"]);
    expect(err).toMatch(/^pspnet: expected libtorch or onnxruntime-node to run the network, found neither/);
    expect(err).toMatch(/onnxruntime-node: expected the package, but it is not installed; install it with/);
    expect(err).toContain("install it with `npm install --ignore-scripts onnxruntime-node@1.30.0`");
    expect(err).toMatch(/`node node_modules\/@pspnet\/torch\/native\/build\.mjs`/);
    expect(code).toBe(1);
  });

  test("everything that runs no network works: datasets, models, metrics, what this machine has", async () => {
    const made = await runIn(withNothing, [
      command,
      "data",
      "make",
      "scenes",
      "scenes",
      "--train",
      "24",
      "--val",
      "12",
    ]);
    expect(made.code).toBe(0);
    expect((await runIn(withNothing, [command, "data", "check", "scenes"])).code).toBe(0);
    expect((await runIn(withNothing, [command, "models"])).out).toMatch(
      /semseg-pspnet50-ade20k +150 +473x473 +49,180,908/,
    );
    const found = await runIn(withNothing, [command, "check"]);
    expect(found.out).toMatch(/libtorch: .*not built/);
    expect(found.out).toMatch(/onnxruntime-node +not installed; prediction without libtorch needs it/);
    expect(found.out).toMatch(
      /^onnxruntime-node: .* not installed; .*`npm install --ignore-scripts onnxruntime-node@[\d.]+`$/m,
    );
    expect(found.code).toBe(1);
    const program = `import { ConfusionMatrix, openDataset, validateTrainConfig, readImage, networkGraph, load } from "pspnet";
      console.log([ConfusionMatrix, openDataset, validateTrainConfig, readImage, networkGraph, load].every(Boolean));`;
    await writeFile(join(withNothing, "import.js"), program);
    expect((await runIn(withNothing, ["import.js"])).out).toBe("true\n");
  });
});

describe("without libtorch, with an onnxruntime-node that has lost its binding", () => {
  test("check and predict name its folder, what is missing, and what mends it", async () => {
    const broken = join(folder, "broken");
    await installBare(broken, { onnx: false });
    const installed = join(import.meta.dirname, "..", "..", "..", "node_modules");
    const place = join(broken, "node_modules", "onnxruntime-node");
    for (const part of ["dist", "package.json"])
      await cp(join(installed, "onnxruntime-node", part), join(place, part), { recursive: true });
    const common = "onnxruntime-common";
    await symlink(join(installed, common), join(broken, "node_modules", common), "dir");
    for (const file of ["weights.safetensors", "photo.png"]) await cp(join(withOnnx, file), join(broken, file));
    const expected =
      /onnxruntime-node: expected \S+node_modules\/onnxruntime-node to load, but: .*binding\.node.*; delete that/;
    const checked = await runIn(broken, [command, "check"]);
    expect(checked.out).toMatch(/onnxruntime-node +1\.\d+\.\d+, not usable/);
    expect(checked.out).toMatch(expected);
    expect(checked.code).toBe(1);
    const predicted = await runIn(broken, [command, "predict", "weights.safetensors", "photo.png"]);
    expect(predicted.err).toMatch(expected);
    expect(predicted.code).toBe(1);
  });
});
