import { type Graph, type GraphConstant, type Node, readers } from "../graph/graph.js";
import { affineOf, areFloats } from "./foldBatchNorm.js";

/** Makes of a batch norm that no convolution took in, and the activation after it, a factor and a summand for each channel. */
export function scaleBatchNorm(graph: Graph): Graph {
  const initialisers = new Map(graph.initialisers);
  const read = readers(graph);
  const constant = (data: Float32Array): GraphConstant => ({ dtype: "float32", shape: [data.length], data });
  const changed = new Map<Node, Node[]>();
  for (const norm of graph.nodes) {
    if (norm.operator !== "batchNorm" || !areFloats(norm.inputs.slice(1), initialisers)) continue;
    const { scale, shift } = affineOf(norm, initialisers);
    const names = [`${norm.name}.factor`, `${norm.name}.summand`];
    initialisers.set(names[0], constant(scale)).set(names[1], constant(shift));
    const [next, ...others] = read.get(norm.output) ?? [];
    const follows = others.length === 0 && (next?.operator === "relu" || next?.operator === "relu6");
    const last = follows ? next : norm;
    const attributes = { activation: follows ? next.operator : null };
    changed
      .set(norm, [])
      .set(last, [{ ...last, operator: "scaleChannels", inputs: [norm.inputs[0], ...names], attributes }]);
  }
  return { ...graph, initialisers, nodes: graph.nodes.flatMap((node) => changed.get(node) ?? [node]) };
}
