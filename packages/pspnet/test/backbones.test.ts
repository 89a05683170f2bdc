/** Backbones that were trained to classify: `scripts/golden/make_backbone_golden.py` wrote timm's and torchvision's own features. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
import { madeState } from "./support/madeState.js";
import { softPhoto } from "./support/softPhoto.js";

const golden = (name: string) => readFile(new URL(`golden/families/${name}`, import.meta.url));

/** The last features. */
function features(net: PSPNet): Float32Array {
  const image = softPhoto(97, 129);
  return scope(() => {
    const x = tensor(normalise(image), [1, 3, image.height, image.width]);
    return noGrad(() => net.eval().backbone.features(x)).last.toArray() as Float32Array;
  });
}

/** Largest difference from what was recorded, as a share of the largest. */
async function errorOf(name: string, found: Float32Array): Promise<number> {
  const expected = readSafetensors(await golden(`${name}.expected.safetensors`))
    .tensors.get("output")!
    .float32();
  expect(found.length).toBe(expected.length);
  return Math.max(...found.map((value, i) => Math.abs(value - expected[i]))) / Math.max(...expected);
}

/** As it was trained: striding to the end. */
const STRIDED: Readonly<Record<string, object>> = {
  resnet: { outputStride: 32 },
  timm: { outputStride: 32 },
  densenet: { outputStride: 32 },
  mobilenetv2: { outputStride: 32 },
  squeezenet: { outputStride: 16, dilations: [1, 1, 1] },
};

type Backbone = NonNullable<GivenParts["backbone"]>;

interface Case {
  readonly family: string;
  readonly fields: Backbone;
  /** One of its last tensors. */
  readonly last: string;
  readonly otherwise?: Backbone;
}

const DEEP = { layers: 50, stem: "deep", stemChannels: [1, 1, 2], width: 2 } as const;
const BLOCK = "layer4.1.conv2.weight";

const CASES: Readonly<Record<string, Case>> = {
  resnet18: {
    family: "resnet",
    fields: { layers: 18, stem: "plain", stemChannels: [64], width: 2 },
    last: BLOCK,
  },
  resnet50: {
    family: "resnet",
    fields: { layers: 50, stem: "plain", stemChannels: [64], width: 2 },
    last: BLOCK,
    otherwise: { strideIn: "1x1" },
  },
  resnet50_v2: { family: "resnet", fields: DEEP, last: BLOCK, otherwise: { strideIn: "1x1" } },
  resnet50d: {
    family: "timm",
    fields: { ...DEEP, shortcut: "average" },
    last: BLOCK,
    otherwise: { shortcut: "projection" },
  },
  densenet121: {
    family: "densenet",
    fields: { kind: "densenet", layers: 121, width: 4, growth: 2 },
    last: "features.denseblock4.denselayer16.conv2.weight",
  },
  mobilenet_v2: {
    family: "mobilenetv2",
    fields: { kind: "mobilenetv2", multiplier: 0.1 },
    last: "features.17.conv.2.weight",
    otherwise: { kind: "mobilenetv2", dilations: [1, 1, 1, 1, 1, 1, 2] },
  },
  squeezenet1_1: {
    family: "squeezenet",
    fields: { kind: "squeezenet", width: 8 },
    last: "features.12.squeeze.weight",
    otherwise: { kind: "squeezenet", dilations: [1, 1, 2] },
  },
};

describe.each(Object.entries(CASES))("%s", (name, { family, fields, last, otherwise }) => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "pspnet-backbones-"));
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function network(changed: Backbone = {}): Promise<PSPNet> {
    const fit = nearestFit(families, { format: "made", state: await madeState(name), metadata: {} }, {});
    expect(fit).toMatchObject({ family: { name: family }, unknown: [], problems: [], network: { classes: null } });
    const backbone = { ...fit.network!.fields.backbone, ...STRIDED[family], ...changed } as Backbone;
    const net = new PSPNet(pspnetConfig({ classes: 2, backbone }));
    loadStateDict(net, fit.state, { backend: backend(), keep: (name) => partOf(name) !== "backbone" });
    return net;
  }

  it("gives its own library's features, within 1e-4", async () => {
    const net = await network();
    expect(net.config.backbone).toMatchObject(fields);
    expect(await errorOf(name, features(net))).toBeLessThan(1e-4);
  });

  it.each(otherwise ? [otherwise] : [])("gives others with %j", async (changed) => {
    expect(await errorOf(name, features(await network(changed)))).toBeGreaterThan(1e-3);
  });

  it("imported again, is the same", async () => {
    const made = { format: "made", state: await madeState(name), metadata: {} };
    const { config, state, metadata } = importCheckpoint(made);
    const written = readSafetensors(writeSafetensors(state, metadata));
    const again = importCheckpoint({ format: "safetensors", state: written.tensors, metadata: written.metadata });
    expect(again.config).toEqual(config);
    expect(new Set(again.state.keys())).toEqual(new Set(state.keys()));
  });

  it("is what a run starts from", async () => {
    const init = join(folder, `${name}.safetensors`);
    const made = await madeState(name);
    await writeFile(init, writeSafetensors(made));
    const model = { backbone: fields, head: { channels: 8 }, auxiliary: { channels: 8 } };
    const config = validateTrainConfig({ data: { root: "." }, model, init }, "test");
    const lines: string[] = [];
    const net = await createNetwork(config, { classes: 3, backend: backend(), say: (line) => lines.push(line) });
    expect(lines).toEqual([
      expect.stringMatching(/tensors of the backbone .*; pyramid, head, auxiliary begin afresh$/),
    ]);
    const found = net.stateDict().get(last)!.as<Tensor>().toArray();
    expect(found).toEqual(made.get(last)!.float32());
  });
});
