/** Backbones that were trained to classify: `scripts/golden/make_backbone_golden.py` wrote narrow ones, and timm's own features. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  families,
  type GivenParts,
  importCheckpoint,
  loadStateDict,
  nearestFit,
  normalise,
  PSPNet,
  partOf,
  pspnetConfig,
  readSafetensors,
  writeSafetensors,
} from "@pspnet/core";
import { backend, noGrad, scope, type Tensor, tensor } from "@pspnet/torch";
import { validateTrainConfig } from "pspnet";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNetwork } from "../src/train/network.js";
import { softPhoto } from "./support/softPhoto.js";

const golden = (name: string) => readFile(new URL(`golden/families/${name}`, import.meta.url));
const weightsOf = async (name: string) => gunzipSync(await golden(`${name}.safetensors.gz`));

/** The last features, striding to the end as it was trained. */
function features(net: PSPNet): Float32Array {
  const image = softPhoto(97, 129);
  return scope(() => {
    const x = tensor(normalise(image), [1, 3, image.height, image.width]);
    return noGrad(() => net.eval().backbone.features(x)).last.toArray() as Float32Array;
  });
}

/** Largest difference from timm's, as a share of the largest. */
async function errorOf(name: string, found: Float32Array): Promise<number> {
  const expected = readSafetensors(await golden(`${name}.expected.safetensors`))
    .tensors.get("output")!
    .float32();
  expect(found.length).toBe(expected.length);
  return Math.max(...found.map((value, i) => Math.abs(value - expected[i]))) / Math.max(...expected);
}

type Backbone = NonNullable<GivenParts["backbone"]>;

/** What would give other features. */
const STRIDE: Backbone = { strideIn: "1x1" };

const CASES: [name: string, family: string, fields: Backbone, otherwise: Backbone[]][] = [
  ["resnet18", "resnet", { layers: 18, stem: "plain", stemChannels: [64] }, []],
  ["resnet50", "resnet", { layers: 50, stem: "plain", stemChannels: [64] }, [STRIDE]],
  ["resnet50_v2", "resnet", { layers: 50, stem: "deep", stemChannels: [1, 1, 2] }, [STRIDE]],
  [
    "resnet50d",
    "timm",
    { layers: 50, stem: "deep", stemChannels: [1, 1, 2], shortcut: "average" },
    [{ shortcut: "projection" }],
  ],
];

describe.each(CASES)("%s", (name, family, fields, otherwise) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pspnet-backbones-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function network(changed: Backbone = {}): Promise<PSPNet> {
    const { tensors } = readSafetensors(await weightsOf(name));
    const fit = nearestFit(families, { format: "safetensors", state: tensors, metadata: {} }, {});
    expect(fit).toMatchObject({ family: { name: family }, unknown: [], problems: [], network: { classes: null } });
    const backbone = { ...fit.network!.fields.backbone, outputStride: 32, ...changed } as Backbone;
    const net = new PSPNet(pspnetConfig({ classes: 2, backbone }));
    loadStateDict(net, fit.state, { backend: backend(), keep: (name) => partOf(name) !== "backbone" });
    return net;
  }

  it("gives timm's features, within 1e-4", async () => {
    const net = await network();
    expect(net.config.backbone).toMatchObject(fields);
    expect(await errorOf(name, features(net))).toBeLessThan(1e-4);
  });

  it.each(otherwise)("gives others with %j", async (changed) => {
    expect(await errorOf(name, features(await network(changed)))).toBeGreaterThan(1e-3);
  });

  it("imported again, is the same", async () => {
    const { tensors } = readSafetensors(await weightsOf(name));
    const { config, state, metadata } = importCheckpoint({ format: "safetensors", state: tensors, metadata: {} });
    const written = readSafetensors(writeSafetensors(state, metadata));
    const again = importCheckpoint({ format: "safetensors", state: written.tensors, metadata: written.metadata });
    expect(again.config).toEqual(config);
    expect(new Set(again.state.keys())).toEqual(new Set(state.keys()));
  });

  it("is what a run starts from", async () => {
    const init = join(folder, `${name}.safetensors`);
    await writeFile(init, await weightsOf(name));
    const model = { backbone: { ...fields, width: 2 }, head: { channels: 8 }, auxiliary: { channels: 8 } };
    const config = validateTrainConfig({ data: { root: "." }, model, init }, "test");
    const lines: string[] = [];
    const net = await createNetwork(config, { classes: 3, backend: backend(), say: (line) => lines.push(line) });
    expect(lines).toEqual([
      expect.stringMatching(/tensors of the backbone .*; pyramid, head, auxiliary begin afresh$/),
    ]);
    const found = net.stateDict().get("layer4.1.conv2.weight")!.as<Tensor>().toArray();
    const { tensors } = readSafetensors(await weightsOf(name));
    expect(found).toEqual(tensors.get("layer4.1.conv2.weight")!.float32());
  });
});
