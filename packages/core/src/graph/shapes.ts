import { PspnetError } from "../error.js";
import { type Dim, floorDiv, formatDim, multiple, sameDim } from "./dim.js";
import { type Attributes, type Graph, HISTOGRAM_BINS, type Node, type Operator } from "./graph.js";

type Dims = readonly Dim[];
type Rule<O extends Operator> = (inputs: readonly Dims[], attributes: Attributes[O]) => Dims;

/** The shape of each operator's result. Sizes that depend on the image stay symbolic when they come so. */
const RULES: { readonly [O in Operator]: Rule<O> } = {
  conv2d: convolved,
  quantisedConv2d: convolved,
  quantise: ([x]) => x,
  dequantise: ([x]) => x,
  histogram: () => [1 + 2 * HISTOGRAM_BINS],
  batchNorm: ([x]) => x,
  scaleChannels: ([x]) => x,
  relu: ([x]) => x,
  relu6: ([x]) => x,
  prelu: ([x]) => x,
  logSoftmax: ([x]) => x,
  add: ([x]) => x,
  linear: ([[n], [output]]) => [n, output],
  maxPool2d: pooled,
  avgPool2d: pooled,
  adaptiveAvgPool2d: ([[n, c]], { bins }) => [n, c, bins, bins],
  adaptiveAvgPoolOfBytes: ([[n, c]], { bins }) => [n, c, bins, bins],
  adaptiveMaxPool2d: ([[n, c]], { bins }) => [n, c, bins, bins],
  pad: ([[n, c, h, w]], { padding: [left, right, top, bottom] }) => [
    n,
    c,
    floorDiv(h, { offset: top + bottom, divisor: 1 }),
    floorDiv(w, { offset: left + right, divisor: 1 }),
  ],
  cat: (inputs, { dim }) => replaced(inputs[0], dim, sum(inputs.map((dims) => dims[dim]))),
  narrow: ([x], { dim, length }) => replaced(x, dim, length),
  matmul: ([a, b]) => {
    const leading =
      a.length > b.length ? a.slice(0, -2) : b.slice(0, -2).map((dim, i) => broadcast(dim, a, i, b.length));
    return [...leading, a[a.length - 2], b[b.length - 1]];
  },
  permute: ([x], { dims }) => dims.map((dim) => x[dim]),
  flatten: ([x], { start, end }) => [...x.slice(0, start), product(x.slice(start, end + 1)), ...x.slice(end + 1)],
  unflatten: ([x], { dim, sizes }) => [...x.slice(0, dim), ...sizes, ...x.slice(dim + 1)],
  enlargeMatrix: ([x], { dim, bins, taps }) => [1, x[dim], taps * bins],
  resizeLike: ([[n, c], [, , h, w]]) => [n, c, h, w],
  resizeBy: ([[n, c, h, w]], { factor }) => [n, c, multiple(h, factor), multiple(w, factor)],
  resize: ([[n, c]], { size }) => [n, c, ...size],
};

/** @throws PspnetError "usage" for an operator and shapes that do not go together. */
export function outputShape<O extends Operator>(operator: O, inputs: readonly Dims[], attributes: Attributes[O]): Dims {
  return (RULES[operator] as Rule<O>)(inputs, attributes);
}

/**
 * The shape of every value of a graph.
 * @param inputs shapes to take in place of the graph's own, by input: numbers for symbols give numbers throughout.
 */
export function inferShapes(graph: Graph, inputs: Readonly<Record<string, Dims>> = {}): Map<string, Dims> {
  const shapes = new Map<string, Dims>();
  for (const { name, shape } of graph.inputs) shapes.set(name, inputs[name] ?? shape);
  for (const [name, { shape }] of graph.initialisers) shapes.set(name, shape);
  for (const node of graph.nodes)
    shapes.set(node.output, outputShape(node.operator, given(node, shapes), node.attributes));
  return shapes;
}

function given({ name, inputs }: Node, shapes: ReadonlyMap<string, Dims>): Dims[] {
  return inputs
    .filter((input) => input !== "")
    .map((input) => {
      const shape = shapes.get(input);
      if (shape) return shape;
      throw new PspnetError("usage", `graph: ${name} reads ${input}, which no earlier node gives`);
    });
}

interface Window {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

function window(side: Dim, { kernel, stride, padding }: Window): Dim {
  return floorDiv(side, { offset: 2 * padding - kernel + stride, divisor: stride });
}

function convolved(
  [[n, , h, w], [output, , kh, kw]]: readonly Dims[],
  { stride, padding, dilation }: Attributes["conv2d"],
): Dims {
  const size = (side: Dim, kernel: Dim) =>
    window(side, { kernel: dilation * ((kernel as number) - 1) + 1, stride, padding });
  return [n, output, size(h, kh), size(w, kw)];
}

function pooled([[n, c, h, w]]: readonly Dims[], attributes: Attributes["maxPool2d"]): Dims {
  const { kernelSize: kernel, stride, padding } = attributes;
  const end = paddingAtEnd(attributes);
  const size = (side: Dim) => floorDiv(side, { offset: padding + end - kernel + stride, divisor: stride });
  return [n, c, size(h), size(w)];
}

/**
 * Padding on the right and bottom with which a pool that rounds down has the windows of one that rounds up: PyTorch's, where the last
 * must begin in the image or the padding on the left, so in the image.
 */
export function paddingAtEnd({ kernelSize, stride, padding, ceilMode }: Attributes["maxPool2d"]): number {
  return ceilMode ? Math.min(padding + stride, kernelSize) - 1 : padding;
}

function replaced(dims: Dims, index: number, dim: Dim): Dims {
  return dims.map((old, i) => (i === index ? dim : old));
}

function sum(dims: Dims): Dim {
  return dims.reduce((total: number, dim) => total + known(dim, "cat"), 0);
}

function product(dims: Dims): Dim {
  const factors = dims.filter((dim) => dim !== 1);
  return factors.length === 1 ? factors[0] : factors.reduce((total: number, dim) => total * known(dim, "flatten"), 1);
}

function known(dim: Dim, operator: string): number {
  if (typeof dim === "number") return dim;
  throw new PspnetError("usage", `${operator}: expected sizes known in advance, found ${formatDim(dim)}`);
}

function broadcast(dim: Dim, a: Dims, i: number, rank: number): Dim {
  const other = a[i - (rank - a.length)];
  if (other === undefined || other === 1 || sameDim(dim, other)) return dim;
  if (dim === 1) return other;
  throw new PspnetError("usage", `matmul: cannot broadcast ${formatDim(other)} to ${formatDim(dim)}`);
}
