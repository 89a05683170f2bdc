import { describe, expect, it, test } from "vitest";
import { findInZoo, type ZooEntry, zoo, zooEntry } from "./zoo.js";
import { DATASETS } from "./zooTable.js";

const all = zoo();
const count = (holds: (entry: ZooEntry) => boolean) => all.filter(holds).length;

test("the 68 published PSPNets and the backbones of torchvision are there", () => {
  expect(count(({ source }) => source === "mmsegmentation")).toBe(58);
  expect(count(({ source }) => source === "PaddleSeg")).toBe(7);
  expect(count(({ source }) => source === "CSAIL")).toBe(3);
  expect(count(({ alone }) => alone)).toBe(12);
});

test("an entry says all that is published of it", () => {
  expect(zooEntry("ade20k-pspnet50")).toEqual({
    name: "pspnet_r50-d8_4xb4-160k_ade20k-512x512",
    short: "ade20k-pspnet50",
    source: "mmsegmentation",
    dataset: "ade20k",
    backbone: "resnet50-v1c",
    supported: true,
    alone: false,
    licence: "Apache-2.0",
    score: 42.48,
    averaged: 43.44,
    crop: 512,
    files: [
      {
        url: "https://download.openmmlab.com/mmsegmentation/v0.5/pspnet/pspnet_r50-d8_512x512_160k_ade20k/pspnet_r50-d8_512x512_160k_ade20k_20200615_184358-1890b0bd.pth",
        sha256: "1890b0bd",
        bytes: null,
      },
    ],
    fields: {},
  });
  expect(zooEntry("csail-ade20k-pspnet18").files).toEqual([
    {
      url: "http://sceneparsing.csail.mit.edu/model/pytorch/ade20k-resnet18dilated-ppm_deepsup/encoder_epoch_20.pth",
      sha256: null,
      bytes: 45415518,
    },
    {
      url: "http://sceneparsing.csail.mit.edu/model/pytorch/ade20k-resnet18dilated-ppm_deepsup/decoder_epoch_20.pth",
      sha256: null,
      bytes: 53019215,
    },
  ]);
  expect(zooEntry("resnet50").files[0]).toEqual({
    url: "https://download.pytorch.org/models/resnet50-0676ba61.pth",
    sha256: "0676ba61",
    bytes: null,
  });
});

test("numbers, addresses and hashes are such", () => {
  for (const { name, score, averaged, crop, files, source, dataset } of all) {
    expect(score, name).toBeGreaterThan(20);
    for (const number of [score, averaged ?? 50]) expect(number, name).toBeLessThan(100);
    expect(DATASETS, name).toHaveProperty([dataset]);
    expect([null, 480, 512, 769, 896], name).toContain(crop);
    expect(files, name).toHaveLength(source === "CSAIL" ? 2 : 1);
    for (const { url, sha256 } of files) {
      expect(new URL(url).href, name).toBe(url);
      if (source === "mmsegmentation" || source === "torchvision") expect(sha256, name).toMatch(/^[0-9a-f]{8}$/);
      else expect(sha256, name).toBeNull();
    }
  }
});

test("variants that weights do not tell are said: corners of the eight 769 entries, stride 32 of four", () => {
  const corners = all.filter(({ fields }) => fields.upsampling?.alignCorners === true);
  expect(corners.map(({ crop }) => crop)).toEqual(Array.from({ length: corners.length }, () => 769));
  expect(corners).toHaveLength(count(({ crop }) => crop === 769));
  expect(count(({ fields }) => fields.backbone !== undefined)).toBe(4);
  for (const { name, fields } of all) expect(fields.backbone !== undefined, name).toBe(/-d32|pixpro/.test(name));
});

describe("names", () => {
  it("are of one entry each", () => {
    const names = all.flatMap(({ name, short }) => (short ? [name, short] : [name]));
    expect(new Set(names).size).toBe(names.length);
  });

  it("that are short mean the best of a source, dataset and network", () => {
    const kind = ({ source, dataset, backbone }: ZooEntry) =>
      `${source} ${dataset} ${backbone.replace(/^(resnet\d+).*/, "$1")}`;
    const best = new Map<string, ZooEntry>();
    for (const entry of all.filter(({ alone }) => !alone)) {
      const other = best.get(kind(entry));
      if (!other || entry.score > other.score) best.set(kind(entry), entry);
    }
    expect(new Set(all.filter(({ short }) => short))).toEqual(new Set(best.values()));
  });

  it("that there are not are answered with the nearest", () => {
    expect(findInZoo("ade20k-pspnet50")?.name).toBe("pspnet_r50-d8_4xb4-160k_ade20k-512x512");
    expect(findInZoo("best.safetensors")).toBeNull();
    expect(() => zooEntry("ade20k-psnet50")).toThrow("did you mean ade20k-pspnet50?");
    expect(() => zooEntry("x")).toThrow("`pspnet models --pull` lists them");
  });
});
