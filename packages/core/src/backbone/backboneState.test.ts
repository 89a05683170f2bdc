import type { State, StateTensor } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { partOf } from "../model/parts.js";
import { PSPNet } from "../model/pspnet.js";
import { loadStateDict } from "../nn/state.js";
import type { Backend, Shape, Tensor } from "../tensor/tensor.js";
import { backboneStateFrom } from "./backboneState.js";

/** A tensor that holds its numbers and cannot compute. */
interface Stored {
  readonly shape: Shape;
  readonly data: Float32Array;
}
const backend: Backend = { tensor: (data, shape) => ({ shape, data, dtype: "float32" }) as unknown as Tensor };
const numbers = (net: PSPNet, name: string) => (net.stateDict().get(name)!.value as unknown as Stored).data;

const tiny = (fields = {}) =>
  new PSPNet(pspnetConfig({ layers: 18, width: 8, classes: 5, headChannels: 16, auxChannels: 8, ...fields }));

/** A weights file with every name of `net`, each tensor filled with its position. */
function stateOf(net: PSPNet): Map<string, StateTensor> {
  return new Map([...net.stateDict()].map(([name, { shape }], i) => [name, filled(shape, i)]));
}

function filled(shape: Shape, value: number): StateTensor {
  return {
    shape,
    dtype: "float32",
    float32: () => new Float32Array(shape.reduce((product, n) => product * n, 1)).fill(value),
  };
}

describe("backboneStateFrom", () => {
  const loadBackbone = (net: PSPNet, state: State) =>
    loadStateDict(net, backboneStateFrom(state), { backend, keep: (name) => partOf(name) !== "backbone" });

  /** `state` with the stem named as in a classification network, and its classifier. */
  function classifierOf(net: PSPNet): Map<string, StateTensor> {
    const backbone = [...stateOf(net)].filter(([name]) => partOf(name) === "backbone");
    const names = { "0": "conv1", "1": "bn1", "3": "conv2", "4": "bn2", "6": "conv3", "7": "bn3" };
    const renamed = backbone.map(([name, tensor]): [string, StateTensor] => [
      name.replace(/^layer0\.(\d)/, (_, i: keyof typeof names) => names[i]),
      tensor,
    ]);
    return new Map([...renamed, ["fc.weight", filled([10, 4], 0)], ["fc.bias", filled([10], 0)]]);
  }

  it.each(["plain", "deep"] as const)("loads a classifier's %s stem", (stem) => {
    const net = tiny({ stem });
    const state = classifierOf(net);
    expect(state.has("bn1.running_var")).toBe(true);
    loadBackbone(net, state);
    expect(numbers(net, "layer0.1.running_var")[0]).toBe(4);
    expect(net.stateDict().get("cls.0.weight")!.hasValue).toBe(false);
  });

  it("takes files with PSPNet's own names and the prefix of DataParallel", () => {
    const net = tiny();
    loadBackbone(net, new Map([...stateOf(net)].map(([name, tensor]) => [`module.${name}`, tensor])));
    expect(numbers(net, "layer0.1.weight")[0]).toBe(1);
  });

  it("says so when the stem is another", () => {
    expect(() => loadBackbone(tiny(), classifierOf(tiny({ stem: "plain" })))).toThrow(
      "layer0.0.weight: expected [8,3,3,3], found [8,3,7,7]",
    );
  });
});
