import { type Graph, type GraphConstant, type Node, readers } from "../graph/graph.js";

type Conv = Node<"conv2d">;

/**
 * Batch norm in evaluation is a factor and a summand for each channel; a convolution before it takes both into its weights and
 * bias. Of a sum of a convolution and something else, as in the factorised head, the something else is scaled on its own.
 */
export function foldBatchNorm(graph: Graph): Graph {
  const initialisers = new Map(graph.initialisers);
  const made = new Map(graph.nodes.map((node) => [node.output, node]));
  const read = readers(graph);
  const alone = (value: string) => read.get(value)?.length === 1;
  const isPlain = (node: Node | undefined): node is Conv =>
    node?.operator === "conv2d" &&
    node.inputs.length <= 3 &&
    areFloats(node.inputs.slice(1).filter(Boolean), initialisers);
  const changed = new Map<Node, Node[]>();
  for (const norm of graph.nodes) {
    if (norm.operator !== "batchNorm" || !areFloats(norm.inputs.slice(1), initialisers)) continue;
    const before = made.get(norm.inputs[0]);
    if (before === undefined || !alone(before.output)) continue;
    const affine = affineOf(norm, initialisers);
    if (isPlain(before)) {
      changed.set(before, []).set(norm, [folded(before, { affine, output: norm.output, initialisers })]);
    } else if (before.operator === "add") {
      const [conv, other] = [made.get(before.inputs[0]), before.inputs[1]];
      if (!isPlain(conv) || !alone(conv.output)) continue;
      const factor = `${norm.name}.scale`;
      initialisers.set(factor, { dtype: "float32", shape: [affine.scale.length], data: affine.scale });
      const scaled: Node = {
        name: factor,
        operator: "scaleChannels",
        inputs: [other, factor],
        output: `${norm.name}.scaled`,
        attributes: { activation: null },
      };
      changed.set(conv, [folded(conv, { affine, output: conv.output, initialisers })]);
      changed.set(before, [scaled, { ...before, inputs: [conv.output, scaled.output], output: norm.output } as Node]);
      changed.set(norm, []);
    }
  }
  return { ...graph, initialisers, nodes: graph.nodes.flatMap((node) => changed.get(node) ?? [node]) };
}

/** y = scale * x + shift */
interface Affine {
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

function floats(initialisers: ReadonlyMap<string, GraphConstant>, name: string): GraphConstant<"float32"> {
  return initialisers.get(name) as GraphConstant<"float32">;
}

export function areFloats(names: readonly string[], initialisers: ReadonlyMap<string, GraphConstant>): boolean {
  return names.every((name) => initialisers.get(name)?.dtype === "float32");
}

export function affineOf(
  { inputs, attributes }: Node<"batchNorm">,
  initialisers: ReadonlyMap<string, GraphConstant>,
): Affine {
  const [weight, bias, mean, variance] = inputs.slice(1).map((name) => floats(initialisers, name).data);
  const scale = weight.map((value, i) => value / Math.sqrt(variance[i] + attributes.eps));
  return { scale, shift: bias.map((value, i) => value - mean[i] * scale[i]) };
}

interface FoldOptions {
  readonly affine: Affine;
  readonly output: string;
  readonly initialisers: Map<string, GraphConstant>;
}

/** The convolution with the factor in its weights, under another output. Its new constants join `initialisers`. */
function folded(conv: Conv, { affine: { scale, shift }, output, initialisers }: FoldOptions): Conv {
  const [x, weightName, biasName] = conv.inputs;
  const { dtype, shape, data } = floats(initialisers, weightName);
  const size = data.length / shape[0];
  const weight = data.map((value, i) => value * scale[Math.floor(i / size)]);
  const old = biasName ? floats(initialisers, biasName).data : null;
  const bias = shift.map((value, channel) => value + (old ? old[channel] * scale[channel] : 0));
  const names = [`${conv.name}.folded.weight`, `${conv.name}.folded.bias`];
  initialisers.set(names[0], { dtype, shape, data: weight });
  initialisers.set(names[1], { dtype, shape: [shape[0]], data: bias });
  return { ...conv, inputs: [x, ...names], output };
}
