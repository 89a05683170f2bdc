import { readSafetensors, writeSafetensors } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { CAMVID } from "../image/classLists.js";
import { pspnetConfig } from "../model/config.js";
import { describeWeights, type ModelDescription, parseDescription } from "./modelFile.js";

const description: ModelDescription = {
  config: pspnetConfig({
    classes: 11,
    backbone: { layers: 18, stem: "plain" },
    pyramid: { concatOrder: "descending" },
    input: { channelOrder: "bgr", std: [0.004, 0.004, 0.004] },
  }),
  classes: CAMVID,
  crop: 321,
  licence: "CC BY-NC 4.0",
  score: { meanIoU: 0.61, pixelAccuracy: 0.9, dataset: "CamVid val" },
  command: "pspnet val weights.safetensors --data camvid",
  origin: "https://weights.example.test/camvid.pth",
};

describe("model file", () => {
  it("tells everything through a file", () => {
    const { metadata } = readSafetensors(writeSafetensors(new Map(), describeWeights(description)));
    expect(parseDescription(metadata)).toEqual(description);
  });

  it("tells a crop that is no square", () => {
    const wide = { ...description, crop: [361, 481] as const };
    expect(parseDescription(describeWeights(wide))).toEqual(wide);
  });

  it("tells four channels", () => {
    const input = { mean: [0.1, 0.2, 0.3, 0.4], std: [0.1, 0.1, 0.1, 0.2] };
    const four = { ...description, config: pspnetConfig({ classes: 11, input }) };
    const { metadata } = readSafetensors(writeSafetensors(new Map(), describeWeights(four)));
    expect(parseDescription(metadata)).toEqual(four);
  });

  it("does without score and command", () => {
    const { score: _, command: __, origin: ___, ...plain } = description;
    expect(parseDescription(describeWeights(plain))).toEqual(plain);
    const published = { ...plain, score: { meanIoU: 0.61, dataset: "CamVid" } };
    expect(parseDescription(describeWeights(published))).toEqual(published);
  });

  it("says what a plain safetensors file is, and a later version", () => {
    expect(() => parseDescription({}, { source: "a.safetensors" })).toThrow(
      "a.safetensors: expected weights that describe themselves (version 2 or before), found a plain safetensors file; take one that `pspnet train` wrote",
    );
    expect(() => parseDescription({ ...describeWeights(description), pspnet: "9" })).toThrow("found version 9");
  });

  it.each([
    ["config", "{}", "pspnetConfig: classes: expected a whole number from 2 to 255"],
    ["config", "[", "metadata config: expected an object"],
    ["names", '["one"]', "class list: expected 11 names and colours, one a class, found 1 names and 11 colours"],
    ["palette", "[[1,2]]", "metadata palette: expected a list of [red, green, blue]"],
    ["config", '{"classes":11,"input":{"mean":3}}', "input.mean: expected numbers from 0 to 1"],
    ["config", '{"classes":11,"input":{"std":[1,2,null]}}', "input.std: expected numbers above 0"],
    ["config", '{"classes":11,"input":{"channelOrder":"rbg"}}', "input.channelOrder: expected one of rgb, bgr"],
    ["crop", "-1", "metadata crop: expected a whole number above 0, or [height, width]"],
    ["crop", "[9]", "metadata crop: expected a whole number above 0, or [height, width]"],
    ["score", "{}", "metadata score: expected meanIoU and dataset"],
  ])("refuses %s %s", (key, value, message) => {
    expect(() => parseDescription({ ...describeWeights(description), [key]: value })).toThrow(message);
  });

  /** As commit da5f831 wrote it. */
  const VERSION_1 = {
    pspnet: "1",
    config:
      '{"layers":50,"stem":"plain","stemChannels":[4],"strideIn":"1x1","ceilPool":true,"firstDilation":"halved",' +
      '"outputStride":16,"width":4,"ppm":true,"bins":[1,3],"pool":"max","reduction":true,"headChannels":8,"auxChannels":9,' +
      '"aux":true,"alignCorners":false,"concatOrder":"descending","dropout":0.2,"bnEps":0.001,"bnMomentum":0.05,"classes":2}',
    names: '["land","sea"]',
    palette: "[[142,202,240],[110,116,140]]",
    mean: "[0.4,0.5,0.6]",
    std: "[0.229,0.224,0.225]",
    channelOrder: "bgr",
    crop: "65",
    licence: "CC0-1.0",
    score: '{"epoch":1,"meanIoU":0.25,"pixelAccuracy":0.5,"dataset":"scenes (val)"}',
  };

  it("reads version 1, whose fields stood side by side", () => {
    const backbone = { kind: "resnet", layers: 50, stem: "plain", stemChannels: [4], strideIn: "1x1", ceilPool: true };
    const dropout = { dropout: 0.2, dropoutOf: "channels" };
    expect(parseDescription(VERSION_1)).toEqual({
      config: {
        classes: 2,
        backbone: {
          ...{ ...backbone, stages: 4, outputStride: 16, dilations: [1, 1, 1, 2], groups: 1, groupWidth: 64 },
          ...{ firstDilation: "halved", basicDilation: "both", shortcut: "projection", stemPadding: "both", width: 4 },
        },
        pyramid: {
          kind: "pooling",
          bins: [1, 3],
          pool: "max",
          reduction: true,
          channels: null,
          norm: "all",
          bias: "none",
          relu: true,
          concatOrder: "descending",
          features: "first",
          alignCorners: false,
        },
        head: { kind: "conv3x3", channels: 8, bias: false, ...dropout, norm: true, classifierKernel: 1 },
        auxiliary: { kind: "conv3x3", channels: 9, bias: false, ...dropout, convolutions: 1 },
        upsampling: { kind: "bilinear", alignCorners: false, sizes: "any" },
        input: { kind: "normalised", mean: [0.4, 0.5, 0.6], std: [0.229, 0.224, 0.225], channelOrder: "bgr" },
        norm: { kind: "batch", eps: 0.001, momentum: 0.05 },
      },
      classes: {
        names: ["land", "sea"],
        palette: [
          [142, 202, 240],
          [110, 116, 140],
        ],
      },
      crop: 65,
      licence: "CC0-1.0",
      score: { epoch: 1, meanIoU: 0.25, pixelAccuracy: 0.5, dataset: "scenes (val)" },
    });
  });

  it("reads version 1 of a network without pyramid and auxiliary head", () => {
    const config = JSON.stringify({ ...JSON.parse(VERSION_1.config), ppm: false, aux: false });
    const { pyramid, auxiliary, head } = parseDescription({ ...VERSION_1, config }).config;
    expect({ pyramid, auxiliary }).toEqual({ pyramid: { kind: "none" }, auxiliary: { kind: "none" } });
    expect(head.dropout).toBe(0.2);
  });

  it.each([
    ["mean", "[", "metadata mean: expected three numbers; the file is damaged"],
    ["config", "7", "metadata config: expected an object; the file is damaged"],
    ["channelOrder", "rbg", "input.channelOrder: expected one of rgb, bgr"],
    [
      "mean",
      "[123.675,116.28,103.53]",
      "input.mean: expected numbers from 0 to 1, one a channel (.*divide .* by 255), found [123.675,",
    ],
    [
      "std",
      "[58.395,57.12,57.375]",
      "input.std: expected numbers above 0, 1 at most, one a channel (.*divide .* by 255), found [58",
    ],
  ])("refuses version 1 with %s %s", (key, value, message) => {
    const pattern = message.replace(/[[\]()]/g, "\\$&");
    expect(() => parseDescription({ ...VERSION_1, [key]: value })).toThrow(new RegExp(pattern));
  });

  it("refuses version 1 without an order of channels", () => {
    const { channelOrder: _, ...others } = VERSION_1;
    expect(() => parseDescription(others)).toThrow("input.channelOrder: expected one of rgb, bgr, found null");
  });

  it("refuses to describe weights with the wrong number of names", () => {
    const config = pspnetConfig({ classes: 5 });
    expect(() => describeWeights({ ...description, config })).toThrow(
      "expected 5 names and colours, one a class, found 11",
    );
  });
});
