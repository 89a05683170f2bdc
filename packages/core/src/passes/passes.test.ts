/** What the passes do to small graphs made by hand. That they keep what networks compute is tested where there is an engine. */
import { describe, expect, it } from "vitest";
import { symbol } from "../graph/dim.js";
import type { Graph, GraphConstant, Node } from "../graph/graph.js";
import { dropDeadNodes } from "./dropDeadNodes.js";
import { foldBatchNorm } from "./foldBatchNorm.js";
import { foldConstants } from "./foldConstants.js";
import { fuseConvolution } from "./fuseConvolution.js";
import { optimise } from "./optimise.js";
import { scaleBatchNorm } from "./scaleBatchNorm.js";

const constant = (shape: readonly number[], ...data: readonly number[]): GraphConstant => ({
  dtype: "float32",
  shape,
  data: Float32Array.from(data),
});

function graphOf(
  nodes: readonly Node[],
  output: string,
  constants: Readonly<Record<string, GraphConstant>> = {},
): Graph {
  return {
    inputs: [{ name: "x", shape: [1, 2, symbol("h"), symbol("w")] }],
    initialisers: new Map(Object.entries(constants)),
    nodes,
    outputs: new Map([["y", output]]),
  };
}

const conv = (name: string, ...inputs: readonly string[]): Node => ({
  name,
  operator: "conv2d",
  inputs,
  output: name,
  attributes: { stride: 1, padding: 0, dilation: 1, groups: 1, activation: null },
});
const simple = (operator: "relu" | "add" | "matmul", name: string, ...inputs: readonly string[]): Node => ({
  name,
  operator,
  inputs,
  output: name,
  attributes: {},
});
const norm = (name: string, input: string): Node => ({
  name,
  operator: "batchNorm",
  inputs: [input, "gain", "shift", "mean", "variance"],
  output: name,
  attributes: { eps: 1 },
});
/** gain (x - mean) / sqrt(variance + 1) + shift: x + 2 in the first channel, 2 x - 5 in the second. */
const STATISTICS = {
  gain: constant([2], 2, 6),
  shift: constant([2], 3, -1),
  mean: constant([2], 1, 2),
  variance: constant([2], 3, 8),
};
const SCALE = [1, 2];
const SHIFT = [2, -5];
const WEIGHT = constant([2, 2, 1, 1], 1, 2, 3, 4);

const operators = (graph: Graph) => graph.nodes.map(({ operator }) => operator);
const numbers = (graph: Graph, name: string) => [...graph.initialisers.get(name)!.data];

describe("foldBatchNorm", () => {
  it("takes the norm into weights and bias of the convolution before it", () => {
    const nodes = [conv("c", "x", "weight", "bias"), norm("n", "c")];
    const graph = foldBatchNorm(graphOf(nodes, "n", { ...STATISTICS, weight: WEIGHT, bias: constant([2], 10, 100) }));
    expect(operators(graph)).toEqual(["conv2d"]);
    const [{ inputs, output }] = graph.nodes;
    expect(output).toBe("n");
    expect(numbers(graph, inputs[1])).toEqual([1, 2, 6, 8]);
    expect(numbers(graph, inputs[2])).toEqual([10 * SCALE[0] + SHIFT[0], 100 * SCALE[1] + SHIFT[1]]);
  });

  it("scales the other part of a sum on its own", () => {
    const nodes = [conv("c", "x", "weight"), simple("add", "s", "c", "x"), norm("n", "s")];
    const graph = foldBatchNorm(graphOf(nodes, "n", { ...STATISTICS, weight: WEIGHT }));
    expect(operators(graph)).toEqual(["conv2d", "scaleChannels", "add"]);
    const [{ inputs }, scaled, sum] = graph.nodes;
    expect([numbers(graph, inputs[1]), numbers(graph, inputs[2])]).toEqual([[1, 2, 6, 8], SHIFT]);
    expect([scaled.inputs[0], numbers(graph, scaled.inputs[1])]).toEqual(["x", SCALE]);
    expect([sum.inputs, sum.output]).toEqual([["c", scaled.output], "n"]);
  });

  it("scales what two sums share once for each, under names of their own", () => {
    const sum = (i: number) => [
      conv(`c${i}`, "x", "weight"),
      simple("add", `s${i}`, `c${i}`, "x"),
      norm(`n${i}`, `s${i}`),
    ];
    const nodes = [...sum(1), ...sum(2), simple("add", "y", "n1", "n2")];
    const graph = foldBatchNorm(graphOf(nodes, "y", { ...STATISTICS, weight: WEIGHT }));
    expect(new Set(graph.nodes.map(({ output }) => output)).size).toBe(graph.nodes.length);
  });

  it("leaves weights that are not float32", () => {
    const half = { dtype: "float16", shape: WEIGHT.shape, data: Uint16Array.of(0x3c00, 0, 0, 0x3c00) } as const;
    const graph = graphOf([conv("c", "x", "weight"), norm("n", "c")], "n", { ...STATISTICS, weight: half });
    expect(foldBatchNorm(graph)).toEqual(graph);
  });

  it("leaves a convolution that something else reads, and the weights it was given", () => {
    const nodes = [conv("c", "x", "weight"), norm("n", "c"), simple("add", "s", "n", "c")];
    const graph = graphOf(nodes, "s", { ...STATISTICS, weight: WEIGHT });
    expect(foldBatchNorm(graph)).toEqual(graph);
    expect([...WEIGHT.data]).toEqual([1, 2, 3, 4]);
    expect(foldBatchNorm(graphOf([norm("n", "x")], "n", STATISTICS)).nodes).toHaveLength(1);
  });
});

describe("scaleBatchNorm", () => {
  it("makes of a norm and the activation after it a factor and a summand", () => {
    const graph = scaleBatchNorm(graphOf([norm("n", "x"), simple("relu", "r", "n")], "r", STATISTICS));
    expect(graph.nodes).toMatchObject([{ operator: "scaleChannels", output: "r", attributes: { activation: "relu" } }]);
    const [x, factor, summand] = graph.nodes[0].inputs;
    expect([x, numbers(graph, factor), numbers(graph, summand)]).toEqual(["x", SCALE, SHIFT]);
  });

  it("leaves an activation on what others read too, and a norm that is not float32", () => {
    const nodes = [norm("n", "x"), simple("relu", "r", "n"), simple("add", "s", "r", "n")];
    expect(operators(scaleBatchNorm(graphOf(nodes, "s", STATISTICS)))).toEqual(["scaleChannels", "relu", "add"]);
    const gain = { dtype: "float16", shape: [2], data: Uint16Array.of(0x3c00, 0x3c00) } as const;
    const half = graphOf([norm("n", "x")], "n", { ...STATISTICS, gain });
    expect(scaleBatchNorm(half)).toEqual(half);
  });
});

describe("fuseConvolution", () => {
  const relu = simple("relu", "r", "s");
  const attributes = { stride: 1, padding: 0, dilation: 1, groups: 1, activation: "relu" };

  it("makes one node of convolution, sum and ReLU, where the last of them stood", () => {
    const nodes = [conv("c", "x", "weight"), simple("relu", "other", "x"), simple("add", "s", "other", "c"), relu];
    const graph = fuseConvolution(graphOf(nodes, "r"));
    expect(operators(graph)).toEqual(["relu", "conv2d"]);
    expect(graph.nodes[1]).toMatchObject({ inputs: ["x", "weight", "", "other"], output: "r", attributes });
  });

  it("takes either of two convolutions that are summed, not both", () => {
    const nodes = [conv("a", "x", "weight"), conv("b", "x", "weight"), simple("add", "s", "a", "b"), relu];
    const graph = fuseConvolution(graphOf(nodes, "r"));
    expect(operators(graph)).toEqual(["conv2d", "conv2d"]);
    const [first, second] = graph.nodes;
    expect(second.inputs[3]).toBe(first.output);
    expect(second).toMatchObject({ output: "r", attributes });
  });

  it("fuses nothing whose middle is read by others or given out", () => {
    const nodes = [conv("c", "x", "weight"), simple("relu", "r", "c"), simple("add", "s", "r", "c")];
    expect(fuseConvolution(graphOf(nodes, "s")).nodes).toEqual(nodes);
    const given = [conv("c", "x", "weight"), simple("relu", "r", "c")];
    const graph = { ...graphOf(given, "r"), outputs: new Map(Object.entries({ c: "c", r: "r" })) };
    expect(fuseConvolution(graph).nodes).toEqual(given);
  });
});

describe("foldConstants", () => {
  const step = <O extends "narrow" | "permute" | "flatten" | "unflatten">(
    operator: O,
    [input, output]: readonly [string, string],
    attributes: Extract<Node, { operator: O }>["attributes"],
  ) => ({ name: output, operator, inputs: [input], output, attributes }) as unknown as Node;

  it("slices, reorders and reshapes what is known", () => {
    const counting = constant([2, 3, 2], ...Array.from({ length: 12 }, (_, i) => i));
    const nodes = [
      step("narrow", ["w", "part"], { dim: 1, start: 1, length: 2 }),
      step("permute", ["part", "turned"], { dims: [2, 0, 1] }),
      step("flatten", ["turned", "flat"], { start: 1, end: 2 }),
      simple("matmul", "m", "x", "flat"),
    ];
    const graph = foldConstants(graphOf(nodes, "m", { w: counting }));
    expect(operators(graph)).toEqual(["matmul"]);
    // Of rows [2, 3], [4, 5] and [8, 9], [10, 11] the first column, then the second.
    expect(graph.initialisers.get("turned")).toEqual(constant([2, 2, 2], 2, 4, 8, 10, 3, 5, 9, 11));
    expect(graph.initialisers.get("flat")).toEqual(constant([2, 4], 2, 4, 8, 10, 3, 5, 9, 11));
  });

  it("keeps the type of what it slices", () => {
    const data = Uint16Array.of(1, 2, 3, 4);
    const nodes = [step("narrow", ["w", "part"], { dim: 1, start: 1, length: 1 }), simple("matmul", "m", "x", "part")];
    const graph = foldConstants(graphOf(nodes, "m", { w: { dtype: "float16", shape: [2, 2], data } }));
    expect(graph.initialisers.get("part")).toEqual({ dtype: "float16", shape: [2, 1], data: Uint16Array.of(2, 4) });
  });

  it("leaves what the image is part of", () => {
    const nodes = [step("permute", ["x", "p"], { dims: [1, 0, 2, 3] })];
    expect(foldConstants(graphOf(nodes, "p")).nodes).toEqual(nodes);
  });
});

it("dropDeadNodes leaves out what no output depends on", () => {
  const nodes = [
    simple("relu", "dead", "x"),
    simple("relu", "deader", "dead"),
    conv("c", "x", "w"),
    conv("d", "x", "v"),
  ];
  const graph = dropDeadNodes(graphOf(nodes, "c", { w: WEIGHT, v: WEIGHT }));
  expect(graph.nodes).toEqual([nodes[2]]);
  expect([...graph.initialisers.keys()]).toEqual(["w"]);
});

it("foldBatchNorm takes a norm into grouped weights by their outputs", () => {
  const grouped = { ...conv("c", "x", "weight"), attributes: { ...conv("c").attributes, groups: 2 } } as Node;
  const constants = { ...STATISTICS, weight: constant([2, 1, 1, 2], 1, 2, 3, 4) };
  const graph = foldBatchNorm(graphOf([grouped, norm("n", "c")], "n", constants));
  expect(graph.nodes).toMatchObject([{ operator: "conv2d", attributes: { groups: 2 } }]);
  expect(numbers(graph, graph.nodes[0].inputs[1])).toEqual([1, 2, 6, 8]);
});

it("optimise makes one convolution of convolution, norm, sum and ReLU, without their constants", () => {
  const nodes = [conv("c", "x", "weight"), norm("n", "c"), simple("add", "s", "n", "x"), simple("relu", "r", "s")];
  const graph = optimise(graphOf(nodes, "r", { ...STATISTICS, weight: WEIGHT }));
  expect(operators(graph)).toEqual(["conv2d"]);
  expect([...graph.initialisers.keys()].sort()).toEqual(graph.nodes[0].inputs.slice(1, 3).toSorted());
});
