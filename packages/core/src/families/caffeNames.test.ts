import type { State, StateTensor } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { parameterCount } from "../nn/module.js";
import { caffe } from "./caffe.js";
import { nameOf } from "./caffeNames.js";
import { fit } from "./fit.js";

const BLOCKS = { 50: [3, 4, 6, 3], 101: [3, 4, 23, 3] } as const;

/** The layers with weights, in the order of the release's prototxts, and its auxiliary head. */
function* layersOf(depth: 50 | 101): Generator<string> {
  yield* ["conv1_1_3x3_s2", "conv1_2_3x3", "conv1_3_3x3"];
  for (const [stage, blocks] of BLOCKS[depth].entries())
    for (let block = 1; block <= blocks; block++) {
      const name = `conv${stage + 2}_${block}`;
      yield* [`${name}_1x1_reduce`, `${name}_3x3`, `${name}_1x1_increase`];
      if (block === 1) yield `${name}_1x1_proj`;
    }
  yield* ["conv5_3_pool1_conv", "conv5_3_pool2_conv", "conv5_3_pool3_conv", "conv5_3_pool6_conv", "conv5_4", "conv6"];
  yield* [`conv4_${BLOCKS[depth][2] + 1}`, "conv6_1"];
}

/** A layer's blobs, in the order of the file, and their names here. */
function blobsOf(layer: string): [blob: string, ours: string][] {
  const classifier = layer === "conv6" || layer === "conv6_1";
  const ofNorm = ["weight", "bias", "running_mean", "running_var"] as const;
  const convolution = ofNorm
    .slice(0, classifier ? 2 : 1)
    .map((parameter) => nameOf({ layer, norm: false, parameter })!);
  const norm = classifier ? [] : ofNorm.map((parameter) => nameOf({ layer, norm: true, parameter })!);
  return [
    ...convolution.map((ours, i): [string, string] => [`${layer}.${i}`, ours]),
    ...norm.map((ours, i): [string, string] => [`${layer}/bn.${i}`, ours]),
  ];
}

describe("names of Caffe's layers", () => {
  it.each([50, 101] as const)("are those of all parameters of PSPNet-%i", (layers) => {
    const names = [...layersOf(layers)].flatMap((layer) => blobsOf(layer).map(([, ours]) => ours));
    const net = new PSPNet(pspnetConfig({ classes: 2, backbone: { layers, width: 1 } }));
    expect(names.sort()).toEqual([...net.stateDict().keys()].sort());
  });

  it.each([
    [50, 150, 46_782_550, 49_180_908],
    [101, 21, 65_708_501, 68_073_706],
    [101, 19, 65_707_475, 68_072_166],
  ] as const)(
    "tell PSPNet-%i of %i classes by its shapes: %i parameters, %i with auxiliary head",
    (layers, classes, plain, whole) => {
      const shapes = new PSPNet(pspnetConfig({ classes, backbone: { layers } })).stateDict();
      const blobs = new Map<string, StateTensor>();
      for (const layer of layersOf(layers))
        for (const [blob, ours] of blobsOf(layer))
          blobs.set(blob, { shape: shapes.get(ours)!.shape, dtype: "float32", float32: () => new Float32Array() });
      const count = (state: State) => {
        const { config, problems, unknown } = fit(caffe, { format: "caffemodel", state, metadata: {} });
        expect([...problems, ...unknown]).toEqual([]);
        expect(config?.backbone).toMatchObject({ layers, strideIn: layers === 50 ? "1x1" : "3x3" });
        return parameterCount(new PSPNet(config!));
      };
      expect(count(blobs)).toBe(whole);
      expect(count(new Map([...blobs].filter(([name]) => !/^conv(4_\d+|6_1)(\/bn)?\.\d$/.test(name))))).toBe(plain);
    },
  );

  it.each(["fc6", "conv7", "conv5_3_pool4_conv", "conv2_1_5x5"])("are not %s", (layer) => {
    expect(nameOf({ layer, norm: false, parameter: "weight" })).toBeNull();
  });
});
