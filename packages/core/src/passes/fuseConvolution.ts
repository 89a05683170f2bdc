import { type Graph, type Node, readers } from "../graph/graph.js";

type Conv = Node<"conv2d">;

/** Makes one node of a convolution, the sum with a residual and the activation after it, as far as they are there. */
export function fuseConvolution(graph: Graph): Graph {
  const read = readers(graph);
  const onlyReader = (value: string): Node | null => {
    const list = read.get(value) ?? [];
    return list.length === 1 ? list[0] : null;
  };
  const replaced = new Map<Node, Conv | null>();
  for (const conv of graph.nodes) {
    if (conv.operator !== "conv2d" || replaced.has(conv) || conv.attributes.activation || conv.inputs.length > 3)
      continue;
    const group: Node[] = [conv];
    let fused: Conv = conv;
    const sum = onlyReader(conv.output);
    if (sum?.operator === "add" && !replaced.has(sum)) {
      group.push(sum);
      fused = { ...fused, inputs: [...padded(conv.inputs), otherOf(sum, conv.output)], output: sum.output };
    }
    const last = onlyReader(fused.output);
    if (last?.operator === "relu" || last?.operator === "relu6") {
      group.push(last);
      fused = { ...fused, attributes: { ...fused.attributes, activation: last.operator }, output: last.output };
    }
    for (const node of group) replaced.set(node, null);
    // All that the group reads is known where its last node stands.
    replaced.set(group[group.length - 1], fused);
  }
  const nodes = graph.nodes.flatMap((node) => {
    const other = replaced.get(node);
    return other === undefined ? [node] : other === null ? [] : [other];
  });
  return { ...graph, nodes };
}

function otherOf({ inputs: [first, second] }: Node, value: string): string {
  return first === value ? second : first;
}

/** Inputs with "" for a bias that is not there. */
function padded([x, weight, bias = ""]: readonly string[]): string[] {
  return [x, weight, bias];
}
