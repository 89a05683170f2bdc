import type { Dim } from "./dim.js";
import type { Graph, Node } from "./graph.js";

type Shapes = ReadonlyMap<string, readonly Dim[]>;

/** Multiplications, each with its addition, that a node needs; null while its sizes are symbols. */
export function multiplyAdds(node: Node, shapes: Shapes): number | null {
  const output = shapes.get(node.output)!;
  const first = shapes.get(node.inputs[0])!;
  if ([...output, ...first].some((dim) => typeof dim !== "number")) return null;
  const size = (output as number[]).reduce((product, dim) => product * dim, 1);
  if (node.operator === "matmul" || node.operator === "linear") return size * (first[first.length - 1] as number);
  if (node.operator !== "conv2d" && node.operator !== "quantisedConv2d") return 0;
  const [, seen, kh, kw] = shapes.get(node.inputs[1]) as number[];
  return size * seen * kh * kw;
}

/** Those of all nodes; null while sizes are symbols. */
export function totalMultiplyAdds({ nodes }: Graph, shapes: Shapes): number | null {
  const all = nodes.map((node) => multiplyAdds(node, shapes));
  return all.every((macs) => macs !== null) ? all.reduce((sum, macs) => sum + macs, 0) : null;
}
