import type { Graph, Node } from "../graph/graph.js";
import { inferShapes } from "../graph/shapes.js";
import { dropDeadNodes } from "./dropDeadNodes.js";
import { type Ranges, valuesInBytes } from "./quantise.js";

/**
 * The values of a graph that its convolutions in bytes would read and give, by the names of the nodes that make them. Those on the image
 * itself and the last are left in real numbers, where they cost least and give most, and so are those on the few cells of a pyramid.
 *
 * @param graph after `optimise`.
 */
export function valuesToQuantise(graph: Graph): string[] {
  const shapes = inferShapes(graph);
  const last = graph.nodes.findLast(({ operator }) => operator === "conv2d")?.inputs[0];
  const ofImage = (value: string) =>
    shapes
      .get(value)!
      .slice(2)
      .some((size) => typeof size !== "number");
  const candidates = graph.nodes.filter(
    ({ output }) => output !== last && shapes.get(output)!.length === 4 && ofImage(output),
  );
  const ranges: Ranges = Object.fromEntries(candidates.map(({ name }) => [name, [0, 1]]));
  return valuesInBytes(graph, ranges);
}

/** The graph that gives, in place of its output, the histograms of these values: `[values * (1 + 2 * HISTOGRAM_BINS)]`. */
export function observe(graph: Graph, names: readonly string[]): Graph {
  const observed = new Set(names);
  const histogram = ({ name, output }: Node): Node[] => {
    const told = { name: `${name}.histogram`, output: `${name}.histogram` };
    return observed.has(name) ? [{ ...told, operator: "histogram", inputs: [output], attributes: {} }] : [];
  };
  const nodes = graph.nodes.flatMap((node) => [node, ...histogram(node)]);
  const inputs = names.map((name) => `${name}.histogram`);
  const all: Node = { name: "histograms", operator: "cat", inputs, output: "histograms", attributes: { dim: 0 } };
  return dropDeadNodes({ ...graph, nodes: [...nodes, all], outputs: new Map([["histograms", "histograms"]]) });
}
