import type { Graph, GraphConstant, Node } from "../graph/graph.js";
import { outputShape } from "../graph/shapes.js";

/** Computes what only rearranges constants: the slices of the head's weights. */
export function foldConstants(graph: Graph): Graph {
  const initialisers = new Map(graph.initialisers);
  const nodes = graph.nodes.filter((node) => {
    const constant = initialisers.get(node.inputs[0]);
    const folded = constant && rearranged(node, constant);
    if (folded) initialisers.set(node.output, folded);
    return !folded;
  });
  return { ...graph, initialisers, nodes };
}

function rearranged(node: Node, constant: GraphConstant): GraphConstant | null {
  const shape = () => outputShape(node.operator, [constant.shape], node.attributes) as readonly number[];
  const strides = rowMajorStrides(constant.shape);
  switch (node.operator) {
    case "flatten":
    case "unflatten":
      return { ...constant, shape: shape() };
    case "permute":
      return gather(constant, shape(), { strides: node.attributes.dims.map((dim) => strides[dim]), start: 0 });
    case "narrow":
      return gather(constant, shape(), { strides, start: node.attributes.start * strides[node.attributes.dim] });
    default:
      return null;
  }
}

function rowMajorStrides(shape: readonly number[]): number[] {
  const strides = shape.map(() => 1);
  for (let i = shape.length - 2; i >= 0; i--) strides[i] = strides[i + 1] * shape[i + 1];
  return strides;
}

/** The elements that lie at `start` and the strides from there, in the order of `shape`: as many as there are, or fewer. */
function gather(
  constant: GraphConstant,
  shape: readonly number[],
  { strides, start }: { readonly strides: readonly number[]; readonly start: number },
): GraphConstant {
  const { data } = constant;
  const count = shape.reduce((product, size) => product * size, 1);
  const result = data.slice(0, count);
  const last = shape.length - 1;
  const index = shape.map(() => 0);
  let from = start;
  for (let to = 0; to < result.length; ) {
    for (let i = 0; i < shape[last]; i++) result[to++] = data[from + i * strides[last]];
    for (let dim = last - 1; dim >= 0; dim--) {
      from += strides[dim];
      if (++index[dim] < shape[dim]) break;
      from -= strides[dim] * shape[dim];
      index[dim] = 0;
    }
  }
  return { ...constant, shape, data: result } as GraphConstant;
}
