/** The network that comes with the packages. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  ConfusionMatrix,
  encodePng,
  load,
  makeScene,
  parseDescription,
  pspnetConfig,
  randomWeights,
  readSafetensors,
  sceneClasses,
} from "pspnet";
import { afterAll, beforeAll, expect, test } from "vitest";
import { initPath } from "../src/config/initPath.js";
import { BOXED, boxedFile } from "../src/pull/boxed.js";
import { pspnet } from "./support/cli.js";

/** What the tests take from the generator was not trained on: `pspnet data make` mixes its seeds. */
const scene = (index: number) => makeScene({ width: 320, height: 240, seed: 3, index });

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "pspnet-box-"));
  await writeFile(join(folder, "photo.png"), await encodePng(scene(0).image));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("is at most 4 MB of halves, and its entry says what its file does", async () => {
  const bytes = await readFile(boxedFile());
  expect(bytes.length).toBeLessThanOrEqual(4_000_000);
  const { metadata, tensors } = readSafetensors(bytes);
  expect(new Set([...tensors.values()].map(({ dtype }) => dtype))).toEqual(new Set(["float16"]));
  const { classes, licence, score, crop } = parseDescription(metadata);
  expect(classes).toEqual(sceneClasses);
  expect(Number((100 * score!.meanIoU).toFixed(2))).toBe(BOXED.score);
  expect({ licence, crop: Math.min(...[crop].flat()) }).toEqual({ licence: BOXED.licence, crop: BOXED.crop });
});

test("is what load takes when it is given nothing, and knows made scenes", async () => {
  await using net = await load(undefined, { threads: 1 });
  const confusion = new ConfusionMatrix(sceneClasses.names.length);
  for (let index = 0; index < 6; index++) {
    const { image, label } = scene(index);
    confusion.add((await net.labels(image)).data, label.data);
  }
  expect(confusion.scores().pixelAccuracy).toBeGreaterThan(0.7);
  expect(confusion.scores().meanIoU).toBeGreaterThan(0.4);
});

test("is called scenes, offline and beside a folder of that name; a file of that name goes first", async () => {
  const predict = async () => {
    const env = { PSPNET_OFFLINE: "1", PSPNET_HOME: join(folder, "home"), OMP_NUM_THREADS: "1" };
    const { out, err, code } = await pspnet(["predict", "scenes", "photo.png", "--json"], { cwd: folder, env });
    expect({ err, code }).toEqual({ err: expect.not.stringContaining("pspnet:"), code: 0 });
    return JSON.parse(out)[0].areas.map(({ name }: { name: string }) => name);
  };
  await mkdir(join(folder, "scenes"));
  expect(sceneClasses.names).toEqual(expect.arrayContaining(await predict()));
  expect(initPath("scenes", folder)).toBe("scenes");
  await rm(join(folder, "scenes"), { recursive: true });
  const config = pspnetConfig({ classes: 5, layers: 18, width: 4, headChannels: 8, aux: false });
  await writeFile(join(folder, "scenes"), randomWeights(config));
  expect((await predict())[0]).toMatch(/^class \d$/);
  expect(initPath("scenes", folder)).toBe(join(folder, "scenes"));
});
