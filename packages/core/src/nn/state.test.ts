import type { StateTensor } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { partOf } from "../model/parts.js";
import { PSPNet, pspnet50 } from "../model/pspnet.js";
import type { Backend, Shape, Tensor } from "../tensor/tensor.js";
import { BatchNorm2d, Conv2d, Sequential } from "./layers.js";
import { parameterCount } from "./module.js";
import { initialise, loadStateDict } from "./state.js";

/** A tensor that holds its numbers and cannot compute. */
interface Stored {
  readonly shape: Shape;
  readonly data: Float32Array;
}
const backend: Backend = { tensor: (data, shape) => ({ shape, data, dtype: "float32" }) as unknown as Tensor };
const numbers = (net: PSPNet | Sequential, name: string) =>
  (net.stateDict().get(name)!.value as unknown as Stored).data;

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

const moments = (values: Float32Array) => {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, deviation: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
};

describe("parameters", () => {
  it("know their path, and say what to do when they have no memory", () => {
    expect(() => tiny().stateDict().get("layer1.0.conv1.weight")!.value).toThrow(
      "layer1.0.conv1.weight: has no value yet; call initialise() or loadStateDict() on the network",
    );
    expect(() => new Conv2d([3, 4], { kernel: 1 }).weight.value).toThrow(
      "parameter of shape [4,3,1,1]: has no value yet",
    );
  });

  it("refuse a value of another shape", () => {
    const { weight } = new Conv2d([3, 4], { kernel: 1 });
    expect(() => {
      weight.value = backend.tensor(new Float32Array(3), [3]);
    }).toThrow("expected shape [4,3,1,1], found [3]");
  });
});

describe("modules", () => {
  it("switch between training and evaluation throughout", () => {
    const net = tiny();
    const modes = () => new Set([...net.modules()].map(([, module]) => module.training));
    expect(modes()).toEqual(new Set([true]));
    net.eval();
    expect(modes()).toEqual(new Set([false]));
    expect(new Set([...net.train().modules()].map(([, module]) => module.training))).toEqual(new Set([true]));
  });

  it("frozen batch norm uses running statistics in training", () => {
    const norm = new Sequential(new BatchNorm2d(2));
    initialise(norm, backend, { seed: 0 });
    const seen: boolean[] = [];
    const x = {
      scope: <R>(work: () => R) => work(),
      batchNorm: (...given: unknown[]) => seen.push((given[4] as { training: boolean }).training),
    } as unknown as Tensor;
    norm.forward(x);
    for (const [, module] of norm.modules()) if (module instanceof BatchNorm2d) module.frozen = true;
    norm.forward(x);
    expect(seen).toEqual([true, false]);
  });

  it("list what is trained apart from running statistics", () => {
    const net = tiny();
    const trained = [...net.namedParameters()].map(([name]) => name);
    expect(trained.some((name) => name.includes("running_"))).toBe(false);
    expect(trained.length).toBeLessThan(net.stateDict().size);
    expect(parameterCount(new Sequential(new Conv2d([3, 4], { kernel: 3, bias: true }), new BatchNorm2d(4)))).toBe(120);
  });
});

describe("initialise", () => {
  it("has the official release's distributions", () => {
    const net = pspnet50(150);
    const started = performance.now();
    initialise(net, backend, { seed: 1 });
    expect(performance.now() - started).toBeLessThan(10_000);
    const normal = moments(numbers(net, "layer3.0.conv2.weight"));
    expect(normal.deviation).toBeCloseTo(Math.sqrt(2 / (256 * 9)), 3);
    expect(normal.mean).toBeCloseTo(0, 3);
    const uniform = numbers(net, "cls.0.weight");
    const bound = 1 / Math.sqrt(4096 * 9);
    expect(moments(uniform).deviation).toBeCloseTo(bound / Math.sqrt(3), 5);
    expect(uniform.reduce((most, value) => Math.max(most, Math.abs(value)), 0)).toBeLessThanOrEqual(bound * 1.000001);
    const bias = numbers(net, "aux.4.bias");
    expect(bias.every((value) => Math.abs(value) <= 1 / 16)).toBe(true);
    expect(moments(bias).deviation).toBeGreaterThan(0.02);
    expect(new Set(numbers(net, "layer1.0.bn1.weight"))).toEqual(new Set([1]));
    expect(new Set(numbers(net, "layer1.0.bn1.running_mean"))).toEqual(new Set([0]));
  });

  it("depends on the seed and the path alone", () => {
    const [first, again, other, without] = [tiny(), tiny(), tiny(), tiny({ ppm: false, aux: false })];
    for (const [net, seed] of [
      [first, 3],
      [again, 3],
      [other, 4],
      [without, 3],
    ] as const)
      initialise(net, backend, { seed });
    const name = "layer2.0.conv1.weight";
    expect(numbers(again, name)).toEqual(numbers(first, name));
    expect(numbers(without, name)).toEqual(numbers(first, name));
    expect(numbers(other, name)).not.toEqual(numbers(first, name));
    expect(numbers(first, "layer1.0.conv1.weight")).not.toEqual(numbers(first, "layer1.0.conv2.weight"));
  });
});

describe("loadStateDict", () => {
  it("gives every parameter its values, and drops batch counters", () => {
    const net = tiny();
    const state = stateOf(net).set("layer0.1.num_batches_tracked", filled([], 9));
    loadStateDict(net, state, { backend });
    const names = [...net.stateDict().keys()];
    expect(numbers(net, "cls.4.bias")).toEqual(new Float32Array(5).fill(names.indexOf("cls.4.bias")));
  });

  it("lists every missing name, unexpected name and wrong shape, and loads nothing", () => {
    const net = tiny({ classes: 5 });
    const state = stateOf(tiny({ classes: 7 }));
    state.delete("layer0.0.weight");
    state.set("layer9.weight", filled([1, 2], 0));
    const load = () => loadStateDict(net, state, { backend });
    expect(load).toThrow("layer0.0.weight: expected [8,3,3,3], missing from the weights");
    expect(load).toThrow("layer9.weight: unexpected, the network has no such parameter (found [1,2])");
    expect(load).toThrow("cls.4.weight: expected [5,16,1,1], found [7,16,1,1]");
    expect(load).toThrow("aux.4.bias: expected [5], found [7]");
    expect([...net.stateDict().values()].some((parameter) => parameter.hasValue)).toBe(false);
  });

  it("keeps the network's own head where it is told to", () => {
    const net = tiny({ classes: 5 });
    initialise(net, backend, { seed: 0 });
    const before = numbers(net, "cls.4.weight");
    loadStateDict(net, stateOf(tiny({ classes: 7 })), { backend, keep: (name) => partOf(name) !== "backbone" });
    expect(numbers(net, "cls.4.weight")).toBe(before);
    expect(numbers(net, "layer0.0.weight")[0]).toBe(0);
  });
});
