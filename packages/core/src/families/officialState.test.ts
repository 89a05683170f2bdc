import { readSafetensors, toFloat32 } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { type PSPNetFields, pspnetConfig } from "../model/config.js";
import { randomWeights } from "../weights/randomWeights.js";
import { officialState } from "./officialState.js";

const small = { classes: 3, backbone: { layers: 18, width: 1 }, head: { channels: 2 } } as const;

/** The head's weights `[2, 16, 3, 3]`: features 0 to 7, then four levels of 2 channels, as the network has them. */
function inputsOf(fields: Omit<PSPNetFields, "classes">): number[] {
  const config = pspnetConfig({ ...small, ...fields });
  const { tensors } = readSafetensors(randomWeights(config));
  const head = tensors.get("cls.0.weight")!;
  const stem = tensors.get("layer0.0.weight")!;
  const numbered = (inputs: number, length: number) =>
    Float32Array.from({ length }, (_, i) => Math.floor(i / 9) % inputs);
  const state = new Map([
    ...tensors,
    ["cls.0.weight", { ...head, float32: () => numbered(16, 2 * 16 * 9) }] as const,
    ["layer0.0.weight", { ...stem, float32: () => numbered(3, 27) }] as const,
  ]);
  const official = officialState({ config }, state).state;
  const of = (name: string, inputs: number) =>
    [...Array(inputs).keys()].map((i) => toFloat32(official.get(name)!.bytes, "float32")[9 * i]);
  return [...of("layer0.0.weight", 3), ...of("cls.0.weight", 16)];
}

const features = [0, 1, 2, 3, 4, 5, 6, 7];

describe("officialState", () => {
  it("leaves what is in the official release's order", () => {
    expect(inputsOf({})).toEqual([0, 1, 2, ...features, 8, 9, 10, 11, 12, 13, 14, 15]);
  });

  it("turns levels and colours that stand the other way round", () => {
    const caffe = { pyramid: { concatOrder: "descending" }, input: { channelOrder: "bgr" } } as const;
    expect(inputsOf(caffe)).toEqual([2, 1, 0, ...features, 14, 15, 12, 13, 10, 11, 8, 9]);
  });

  it("puts features first", () => {
    const last = features.map((i) => i + 8);
    expect(inputsOf({ pyramid: { features: "last" } })).toEqual([0, 1, 2, ...last, 0, 1, 2, 3, 4, 5, 6, 7]);
  });

  it("says what the official code would compute otherwise, and refuses parts that it has no names for", () => {
    const config = pspnetConfig({ ...small, backbone: { ...small.backbone, strideIn: "1x1" } });
    const { tensors } = readSafetensors(randomWeights(config));
    const { departures } = officialState({ config }, tensors);
    expect(departures).toContainEqual({ key: "backbone.strideIn", values: ["1x1", "3x3"] });
    const strange = pspnetConfig({ ...small, head: { kind: "conv1x1" } });
    expect(() => officialState({ config: strange }, new Map(), { source: "a.safetensors" })).toThrow(
      "a.safetensors: expected the official release's parts, found head.kind=conv1x1",
    );
  });
});
