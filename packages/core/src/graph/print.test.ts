import { describe, expect, it } from "vitest";
import { pspnetConfig } from "../model/config.js";
import { type PSPNet as Network, PSPNet } from "../model/pspnet.js";
import { parameterCount } from "../nn/module.js";
import { optimise } from "../passes/optimise.js";
import { totalMultiplyAdds } from "./cost.js";
import { symbol } from "./dim.js";
import type { Graph } from "./graph.js";
import { printGraph } from "./print.js";
import { inferShapes } from "./shapes.js";
import { type GraphTensor, graphBackend, trace } from "./trace.js";

/** The graph of a network whose parameters are all zero. */
function emptyGraph(layers: 18 | 50, forward: (model: Network, x: GraphTensor) => GraphTensor): Graph {
  const model = new PSPNet(pspnetConfig({ classes: 150, layers, aux: false })).eval();
  for (const [, parameter] of model.stateDict()) {
    const size = parameter.shape.reduce((product, side) => product * side, 1);
    parameter.value = graphBackend.tensor(new Float32Array(size), parameter.shape);
  }
  const shape = [symbol("n"), 3, symbol("h"), symbol("w")];
  return trace(model, { name: "image", shape }, (x) => ({ logits: forward(model, x) }));
}

const factorised = (model: Network, x: GraphTensor) => model.forward(x).out;
/** The paper's form, which concatenates the enlarged levels. */
const direct = ({ backbone, ppm, cls }: Network, x: GraphTensor) =>
  cls.forward(ppm!.forward(backbone.features(x).last));

const SHAPE = [1, 3, 473, 473];
const giga = (graph: Graph) => totalMultiplyAdds(graph, inferShapes(graph, { image: SHAPE }))! / 1e9;

describe("multiply-adds of PSPNet-50 at 473x473", () => {
  const paper = giga(emptyGraph(50, direct));
  const ours = emptyGraph(50, factorised);

  it("are 161.9 billion in the paper's form", () => {
    // Of the convolutions 161.87; the enlargement by matrices is not counted here.
    expect(paper).toBeCloseTo(161.875, 3);
  });

  it("and those that the factorised head saves, less its small products", () => {
    const half = (512 * 2048 * 9 * 60 * 60) / 1e9;
    // For each level W p, 512 * 512 * 9 a cell; its rows, then all columns together: 3 taps of 1 + 2 + 3 + 6 cells.
    const cells = 512 * 512 * 9 * (1 + 4 + 9 + 36);
    const rows = 60 * 9 * (1 + 4 + 9 + 36) * 512;
    const columns = 60 * 60 * 3 * 12 * 512;
    expect(giga(ours)).toBeCloseTo(paper - half + (cells + rows + columns) / 1e9, 3);
  });

  it("are no fewer after the passes", () => {
    expect(giga(optimise(ours))).toBe(giga(ours));
  });
});

describe("printGraph", () => {
  const graph = optimise(emptyGraph(18, factorised));
  const row = (text: string, name: string) =>
    text
      .split("\n")
      .find((line) => line.startsWith(`${name} `))!
      .split(/ {2,}/);

  it("has a line for each node: name, operator, shape, parameters, GMAC", () => {
    const text = printGraph(graph, SHAPE);
    expect(text.split("\n")).toHaveLength(graph.nodes.length + 3);
    expect(row(text, "image")).toEqual(["image", "input", "[1, 3, 473, 473]"]);
    // 64 * 3 * 9 weights and 64 biases; 237 * 237 * 64 * 27 multiply-adds.
    expect(row(text, "layer0.0")).toEqual(["layer0.0", "conv2d + relu", "[1, 64, 237, 237]", "1,792", "0.097"]);
    expect(row(text, "layer1.0.conv2")).toEqual([
      "layer1.0.conv2",
      "conv2d + add + relu",
      "[1, 64, 119, 119]",
      "36,928",
      "0.522",
    ]);
    expect(row(text, "cls.4")).toEqual(["cls.4", "conv2d", "[1, 150, 60, 60]", "76,950", "0.276"]);
    expect(row(text, "total").at(-1)).toBe(giga(graph).toFixed(3));
  });

  it("says which convolutions were Winograd's", () => {
    const text = printGraph(graph, SHAPE, { winograd: ["layer1.0.conv2"] });
    expect(row(text, "layer1.0.conv2")[1]).toBe("conv2d (Winograd) + add + relu");
    expect(text.match(/Winograd/g)).toHaveLength(1);
  });

  it("keeps sizes as symbols without a shape, and leaves multiply-adds open", () => {
    const text = printGraph(graph);
    expect(row(text, "cls.4")).toEqual(["cls.4", "conv2d", "[n, 150, (h + 7) / 8, (w + 7) / 8]", "76,950"]);
    const total = [...graph.initialisers.values()].reduce((sum, { data }) => sum + data.length, 0);
    expect(row(text, "total")).toEqual(["total", total.toLocaleString("en")]);
  });

  it("counts what folding left: the parameters less three of each batch norm's four, and no statistics", () => {
    const model = new PSPNet(pspnetConfig({ classes: 150, layers: 18, aux: false }));
    const norms = [...model.stateDict()].filter(([name]) => name.endsWith("running_mean"));
    const channels = norms.reduce((sum, [, { shape }]) => sum + shape[0], 0);
    const kept = [...graph.initialisers.values()].reduce((sum, { data }) => sum + data.length, 0);
    const scale = 512; // Of the head's batch norm, for the part that is no convolution.
    expect(kept).toBe(parameterCount(model) - channels + scale);
  });
});
