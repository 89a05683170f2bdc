import { readSafetensors, writeSafetensors } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { CAMVID } from "../image/classLists.js";
import { IMAGENET } from "../image/normalise.js";
import { pspnetConfig } from "../model/config.js";
import { describeWeights, type ModelDescription, parseDescription } from "./modelFile.js";

const description: ModelDescription = {
  config: pspnetConfig({ layers: 18, classes: 11, stem: "plain", concatOrder: "descending" }),
  classes: CAMVID,
  ...IMAGENET,
  crop: 321,
  licence: "CC BY-NC 4.0",
  score: { meanIoU: 0.61, pixelAccuracy: 0.9, dataset: "CamVid val" },
  command: "pspnet val weights.safetensors --data camvid",
};

describe("model file", () => {
  it("tells everything through a file", () => {
    const { metadata } = readSafetensors(writeSafetensors(new Map(), describeWeights(description)));
    expect(parseDescription(metadata)).toEqual(description);
  });

  it("does without score and command", () => {
    const { score: _, command: __, ...plain } = description;
    expect(parseDescription(describeWeights(plain))).toEqual(plain);
  });

  it("says what a plain safetensors file is, and a later version", () => {
    expect(() => parseDescription({}, { source: "a.safetensors" })).toThrow(
      "a.safetensors: expected weights that describe themselves (version 1), found a plain safetensors file; take one that `pspnet train` wrote",
    );
    expect(() => parseDescription({ ...describeWeights(description), pspnet: "9" })).toThrow("found version 9");
  });

  it.each([
    ["config", "{}", "pspnetConfig: classes: expected a whole number from 2 to 255"],
    ["config", "[", "metadata config: expected an object"],
    ["names", '["one"]', "class list: expected 11 names and colours, one a class, found 1 names and 11 colours"],
    ["palette", "[[1,2]]", "metadata palette: expected a list of [red, green, blue]"],
    ["mean", "3", "metadata mean: expected three numbers"],
    ["std", "[1,2,null]", "metadata std: expected three numbers"],
    ["channelOrder", "rbg", "metadata channelOrder: expected rgb or bgr"],
    ["crop", "-1", "metadata crop: expected a whole number above 0"],
    ["score", "{}", "metadata score: expected meanIoU, pixelAccuracy and dataset"],
  ])("refuses %s %s", (key, value, message) => {
    expect(() => parseDescription({ ...describeWeights(description), [key]: value })).toThrow(message);
  });

  it("refuses to describe weights with the wrong number of names", () => {
    const config = pspnetConfig({ classes: 5 });
    expect(() => describeWeights({ ...description, config })).toThrow(
      "expected 5 names and colours, one a class, found 11",
    );
  });
});
