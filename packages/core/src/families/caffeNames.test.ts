import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { nameOf } from "./caffeNames.js";

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

function namesOf(layer: string) {
  const classifier = layer === "conv6" || layer === "conv6_1";
  const convolution = classifier ? (["weight", "bias"] as const) : (["weight"] as const);
  const norm = classifier ? [] : (["weight", "bias", "running_mean", "running_var"] as const);
  return [
    ...convolution.map((parameter) => nameOf({ layer, norm: false, parameter })),
    ...norm.map((parameter) => nameOf({ layer, norm: true, parameter })),
  ];
}

describe("names of Caffe's layers", () => {
  it.each([50, 101] as const)("are those of all parameters of PSPNet-%i", (layers) => {
    const names = [...layersOf(layers)].flatMap(namesOf);
    const net = new PSPNet(pspnetConfig({ classes: 2, backbone: { layers, width: 1 } }));
    expect(names.sort()).toEqual([...net.stateDict().keys()].sort());
  });

  it.each(["fc6", "conv7", "conv5_3_pool4_conv", "conv2_1_5x5"])("are not %s", (layer) => {
    expect(nameOf({ layer, norm: false, parameter: "weight" })).toBeNull();
  });
});
