import type { Graph } from "../graph/graph.js";

/** Leaves out what no output depends on: nodes and initialisers. */
export function dropDeadNodes(graph: Graph): Graph {
  const live = new Set(graph.outputs.values());
  for (const node of graph.nodes.toReversed()) {
    if (live.has(node.output)) for (const input of node.inputs) live.add(input);
  }
  return {
    ...graph,
    initialisers: new Map([...graph.initialisers].filter(([name]) => live.has(name))),
    nodes: graph.nodes.filter(({ output }) => live.has(output)),
  };
}
