/** What the pass does to small graphs made by hand. That bytes give what real numbers do is tested where there is an engine. */
import { describe, expect, it } from "vitest";
import { symbol } from "../graph/dim.js";
import type { Graph, GraphConstant, Node } from "../graph/graph.js";
import { byteValues } from "../graph/graph.js";
import { valuesToQuantise } from "./observe.js";
import { quantisationOf, quantise, type Ranges, weightScales } from "./quantise.js";

const weight: GraphConstant = { dtype: "float32", shape: [1, 1, 1, 1], data: Float32Array.of(-2) };
const plain = { stride: 1, padding: 0, dilation: 1, groups: 1, activation: null } as const;

const conv = (name: string, x: string, residual?: string): Node => ({
  name,
  operator: "conv2d",
  inputs: residual === undefined ? [x, "weight"] : [x, "weight", "", residual],
  output: name,
  attributes: { ...plain, activation: "relu" },
});
const pool = (name: string, x: string): Node => ({
  name,
  operator: "maxPool2d",
  inputs: [x],
  output: name,
  attributes: { kernelSize: 3, stride: 2, padding: 1, ceilMode: false },
});
const relu = (name: string, x: string): Node => ({ name, operator: "relu", inputs: [x], output: name, attributes: {} });
const cells = (name: string, x: string): Node => ({
  name,
  operator: "adaptiveAvgPool2d",
  inputs: [x],
  output: name,
  attributes: { bins: 2 },
});

function graphOf(...nodes: readonly Node[]): Graph {
  return {
    inputs: [{ name: "x", shape: [1, 1, symbol("h"), symbol("w")] }],
    initialisers: new Map([["weight", weight]]),
    nodes,
    outputs: new Map([["y", nodes[nodes.length - 1].output]]),
  };
}

const rangesOf = (...names: readonly string[]): Ranges => Object.fromEntries(names.map((name) => [name, [0, 255]]));

/** `operator(inputs) -> output`, weights and scales left out. */
const told = (graph: Graph) =>
  graph.nodes.map(({ operator, inputs, output }) => {
    const read = inputs.filter((input) => input !== "" && !graph.initialisers.has(input));
    return `${operator}(${read}) -> ${output}`;
  });

describe("quantise", () => {
  it("keeps in bytes what follows one another, from the first range to the last reader", () => {
    const graph = quantise(graphOf(relu("a", "x"), conv("b", "a"), conv("c", "b"), relu("d", "c")), rangesOf("a", "b"));
    expect(told(graph)).toEqual([
      "relu(x) -> a",
      "quantise(a) -> a.bytes",
      "quantisedConv2d(a.bytes) -> b.bytes",
      "quantisedConv2d(b.bytes) -> c",
      "relu(c) -> d",
    ]);
    expect([...byteValues(graph)]).toEqual(["a.bytes", "b.bytes"]);
  });

  it("leaves a graph without ranges as it is", () => {
    const graph = graphOf(relu("a", "x"), conv("b", "a"));
    expect(quantise(graph, {})).toEqual(graph);
  });

  it("pools bytes, with one quantisation before and after", () => {
    const graph = quantise(graphOf(conv("a", "x"), pool("b", "a"), conv("c", "b")), { x: [-1, 1], b: [0, 51] });
    expect(told(graph)).toEqual([
      "quantise(x) -> x.bytes",
      "quantisedConv2d(x.bytes) -> a.bytes",
      "maxPool2d(a.bytes) -> b.bytes",
      "quantisedConv2d(b.bytes) -> c",
    ]);
    expect(graph.nodes[1].attributes).toMatchObject({ output: { scale: Math.fround(0.2), zeroPoint: 0 } });
  });

  it("adds residuals in bytes, in place where nobody reads them later", () => {
    const block = [
      conv("a", "x"),
      conv("b", "a"),
      conv("c", "b", "a"),
      conv("d", "c", "b"),
      conv("e", "d", "b"),
      conv("f", "e"),
    ];
    const graph = quantise(graphOf(...block), rangesOf("x", "a", "b", "c", "d", "e"));
    const inPlace = graph.nodes.flatMap((node) =>
      node.operator === "quantisedConv2d" && node.inputs[4] ? [`${node.name} ${node.attributes.inPlace}`] : [],
    );
    expect(inPlace).toEqual(["c true", "d false", "e true"]);
  });

  it("adds a residual without a range in real numbers", () => {
    const graph = quantise(graphOf(relu("r", "x"), conv("a", "x", "r"), conv("b", "a")), rangesOf("x", "a"));
    expect(told(graph)).toEqual([
      "relu(x) -> r",
      "quantise(x) -> x.bytes",
      "quantisedConv2d(x.bytes,r) -> a",
      "quantise(a) -> a.bytes",
      "quantisedConv2d(a.bytes) -> b",
    ]);
  });

  it("takes means of bytes, and makes real numbers once for all others", () => {
    const nodes = [conv("a", "x"), cells("p", "a"), conv("b", "a"), relu("c", "a"), relu("d", "a")];
    const graph = { ...graphOf(...nodes), outputs: new Map(["p", "b", "c", "d"].map((name) => [name, name])) };
    expect(told(quantise(graph, rangesOf("x", "a")))).toEqual([
      "quantise(x) -> x.bytes",
      "quantisedConv2d(x.bytes) -> a.bytes",
      "adaptiveAvgPoolOfBytes(a.bytes) -> p",
      "quantisedConv2d(a.bytes) -> b",
      "dequantise(a.bytes) -> a",
      "relu(a) -> c",
      "relu(a) -> d",
    ]);
  });
});

it("0 is one of the bytes of every range", () => {
  expect(quantisationOf([0, 51])).toEqual({ scale: Math.fround(0.2), zeroPoint: 0 });
  expect(quantisationOf([-51, 0])).toEqual({ scale: Math.fround(0.2), zeroPoint: 255 });
  expect(quantisationOf([-1, 2])).toEqual({ scale: Math.fround(3 / 255), zeroPoint: 85 });
});

it("weights of nothing but zeros have a scale too", () => {
  expect([...weightScales({ shape: [2, 2], data: Float32Array.of(-254, 1, 0, 0) })]).toEqual([2, 1]);
});

it("the first and the last convolution, and those on a pyramid's cells, are left in real numbers", () => {
  const nodes = [conv("a", "x"), conv("b", "a"), cells("p", "b"), conv("q", "p"), conv("c", "b", "q"), conv("d", "c")];
  expect(valuesToQuantise(graphOf(...nodes))).toEqual(["a", "b"]);
});
