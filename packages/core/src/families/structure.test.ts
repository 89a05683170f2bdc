import { readSafetensors, type State, type StateTensor, writeSafetensors } from "@pspnet/checkpoints";
import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { PSPNet } from "../model/pspnet.js";
import { randomWeights } from "../weights/randomWeights.js";
import { type Imported, importCheckpoint } from "./importCheckpoint.js";

const parts = { head: { channels: 6 }, auxiliary: { channels: 5 } };
const networks = {
  "R18, deep stem": { classes: 7, ...parts, backbone: { layers: 18, width: 4 } },
  "R50, plain stem": { classes: 19, ...parts, backbone: { layers: 50, stem: "plain", width: 2 } },
  "without auxiliary head": { classes: 7, ...parts, auxiliary: { kind: "none" }, backbone: { layers: 18, width: 4 } },
  "three narrow levels": {
    classes: 7,
    ...parts,
    pyramid: { bins: [1, 2, 3], channels: 3 },
    backbone: { layers: 34, width: 4 },
  },
  "levels without batch norm, 1x1 head": {
    classes: 7,
    backbone: { layers: 18, width: 4 },
    pyramid: { norm: "none", bias: "unnormalised", relu: false, features: "last" },
    head: { kind: "conv1x1", channels: 6, classifierKernel: 3 },
    auxiliary: { kind: "none" },
  },
} as const;

/** In the order of definition, as PyTorch keeps it. */
function weightsOf(fields: (typeof networks)[keyof typeof networks]): State {
  const config = pspnetConfig(fields);
  const { tensors } = readSafetensors(randomWeights(config));
  return new Map([...new PSPNet(config).stateDict().keys()].map((name) => [name, tensors.get(name)!]));
}

const small = weightsOf(networks["R18, deep stem"]);

function take(state: State): Imported & { readonly found: State } {
  const imported = importCheckpoint({ format: "torch zip", state, metadata: {} });
  return { ...imported, found: readSafetensors(writeSafetensors(imported.state, {})).tensors };
}

/** Modules in their order, by names that say nothing. */
function nameless(state: State): Map<string, StateTensor> {
  const modules = [...new Set([...state.keys()].map(moduleOf))];
  const named = (name: string) => `m${modules.length - modules.indexOf(moduleOf(name))}.${name.split(".").pop()}`;
  return new Map([...state].map(([name, tensor]) => [named(name), tensor]));
}

function moduleOf(name: string): string {
  return name.slice(0, name.lastIndexOf("."));
}

function expectSame(found: State, expected: State) {
  expect([...found.keys()].sort()).toEqual([...expected.keys()].sort());
  for (const [name, { shape, float32 }] of expected) {
    expect(found.get(name)!.shape).toEqual(shape);
    expect(found.get(name)!.float32(), name).toEqual(float32());
  }
}

/** With the modules of each residual block in another order. */
function reordered(state: State, order: (modules: string[]) => string[]): State {
  const modules = new Map<string, string[]>();
  for (const module of new Set([...state.keys()].map(moduleOf))) {
    const block = /^layer[1-4]\.\d+/.exec(module)?.[0] ?? module;
    modules.set(block, [...(modules.get(block) ?? []), module]);
  }
  const ordered = [...modules.values()].flatMap((inside) => (inside.length > 1 ? order(inside) : inside));
  return new Map(ordered.flatMap((module) => [...state].filter(([name]) => moduleOf(name) === module)));
}

describe("a network whose modules' names say nothing", () => {
  it.each(Object.entries(networks))("%s: every tensor is found", (_, fields) => {
    const state = weightsOf(fields);
    const { family, found, config } = take(nameless(state));
    expect(family.name).toBe("structure");
    expectSame(found, state);
    expect({ ...config, upsampling: null }).toEqual({ ...pspnetConfig(fields), upsampling: null });
  });

  const isNorm = (module: string) => /bn\d$|downsample\.1$/.test(module);
  const isShortcut = (module: string) => module.includes("downsample");
  it.each<[string, (modules: string[]) => string[]]>([
    ["shortcuts first", (all) => [...all.filter(isShortcut), ...all.filter((one) => !isShortcut(one))]],
    [
      "batch norms behind a block's convolutions",
      (all) => [...all.filter((one) => !isNorm(one)), ...all.filter(isNorm)],
    ],
  ])("whose code defines %s", (_, order) => expectSame(take(nameless(reordered(small, order))).found, small));

  it("whose file has sorted the names", () => {
    const sorted = [...small].map(([name, tensor]) => [`net_${name}`, tensor] as const);
    sorted.sort(([a], [b]) => (a < b ? -1 : 1));
    const { family, found } = take(new Map(sorted));
    expect(family.name).toBe("structure");
    expectSame(found, small);
  });
});

function vector(values: readonly number[]): StateTensor {
  return { shape: [values.length], dtype: "float32", float32: () => Float32Array.from(values) };
}

describe("what a network has besides", () => {
  it("takes a bias before a batch norm off its mean", () => {
    const state = nameless(small);
    const [first] = state.keys();
    const biased = new Map([
      [first, state.get(first)!],
      [first.replace("weight", "bias"), vector([1, 2, 3, 4])],
      ...state,
    ]);
    const { found, tensors } = take(biased);
    const mean = small.get("layer0.1.running_mean")!.float32();
    expect(found.get("layer0.1.running_mean")!.float32()).toEqual(mean.map((value, i) => value - (i + 1)));
    expect(tensors.filter(({ because }) => because !== null)).toHaveLength(2);
  });

  it("takes a classifier without bias for one of zeros", () => {
    const names = [...nameless(small).keys()];
    const classifier = names[[...small.keys()].indexOf("cls.4.bias")];
    const state = new Map([...nameless(small)].filter(([name]) => name !== classifier));
    expect(take(state).found.get("cls.4.bias")!.float32()).toEqual(new Float32Array(7));
  });

  it.each<[string, string, State]>([
    [
      "layers that stand there twice",
      "stands in the file twice",
      new Map([...small].filter(([name]) => name.startsWith("layer2"))),
    ],
    [
      "an ImageNet classifier",
      "tells classes of whole images apart",
      new Map([
        ["x.weight", { ...vector([]), shape: [10, 32] }],
        ["x.bias", vector(Array(10).fill(0))],
      ]),
    ],
    [
      "an auxiliary classifier of one convolution",
      "predictions leave out",
      new Map([
        ["x.weight", { ...vector([]), shape: [7, 16, 1, 1] }],
        ["x.bias", vector(Array(7).fill(0))],
      ]),
    ],
  ])("drops %s, and says why", (_, because, besides) => {
    const named = [...besides].map(([name, tensor]) => [`again.${name}`, tensor] as const);
    const { state, tensors } = take(new Map([...nameless(weightsOf(networks["without auxiliary head"])), ...named]));
    expect(state.has("aux.0.weight")).toBe(false);
    const dropped = tensors.filter(({ fate }) => fate === "dropped");
    expect(dropped.map(({ name }) => name)).toEqual(named.map(([name]) => name));
    for (const one of dropped) expect(one.because).toContain(because);
  });
});

describe("what is refused, and why", () => {
  const conv = (shape: readonly number[]): StateTensor => ({ ...vector([]), shape });
  it.each<[string, RegExp, State]>([
    [
      "a convolution too many",
      /extra\.weight \[9,32,3,3\]: a name that it has not/,
      new Map([...nameless(small), ["extra.weight", conv([9, 32, 3, 3])]]),
    ],
    ["no stem", /structure: no convolution looks at the three channels/, new Map([["a.weight", conv([4, 5, 3, 3])]])],
    [
      "another stem",
      /structure: a: expected a stem of one 7x7 or three 3x3 convolutions, found \[4,3,5,5\]/,
      new Map([["a.weight", conv([4, 3, 5, 5])]]),
    ],
    ["no residual blocks", /structure: a: expected residual blocks/, new Map([["a.weight", conv([4, 3, 7, 7])]])],
    ["no pyramid", /structure: expected 1x1 convolutions of 32 features/, new Map([...nameless(small)].slice(0, -40))],
  ])("%s", (_, message, state) => expect(() => take(state)).toThrow(message));
});
