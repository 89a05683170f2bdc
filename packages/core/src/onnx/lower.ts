/** How each operator of a graph is said in ONNX's: no Resize, no adaptive pooling, no control flow. */
import { PspnetError } from "../error.js";
import { formatDim } from "../graph/dim.js";
import type { Activation, Attributes, Node, Operator } from "../graph/graph.js";
import type { FloatType } from "./builder.js";
import type { LoweringContext, Side } from "./context.js";
import { averaging, cellBorders, enlargement, tapMatrix } from "./matrices.js";
import type { Attribute } from "./proto.js";

type Lowering<O extends Operator> = (context: LoweringContext, node: Node<O>) => void;

const LOWERINGS: { readonly [O in Operator]: Lowering<O> } = {
  conv2d,
  adaptiveAvgPool2d,
  adaptiveMaxPool2d,
  batchNorm: plain("BatchNormalization", ({ eps }) => ({ epsilon: { float: eps } })),
  scaleChannels(context, { inputs: [x, factor], output }) {
    const [channels] = context.shapeOf(factor) as readonly number[];
    const column = context.constant(factor, `${factor}.column`, [channels, 1, 1]);
    context.builder.node("Mul", [context.input(x), column], { output });
  },
  relu: plain("Relu"),
  add: plain("Add"),
  matmul: plain("MatMul"),
  maxPool2d: plain("MaxPool", ({ kernelSize, stride, padding, ceilMode }) => ({
    kernel_shape: [kernelSize, kernelSize],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    ceil_mode: ceilMode ? 1 : 0,
  })),
  cat: plain("Concat", ({ dim }) => ({ axis: dim })),
  narrow(context, { inputs: [x], output, attributes: { dim, start, length } }) {
    const { builder } = context;
    const bounds = [[start], [start + length], [dim]].map((list) => builder.integers(list));
    builder.node("Slice", [context.input(x), ...bounds], { output });
  },
  permute: plain("Transpose", ({ dims }) => ({ perm: dims })),
  flatten: (context, node) => reshape(context, node, node.attributes.start),
  unflatten: (context, node) => reshape(context, node, node.attributes.dim),
  enlargeMatrix(context, { inputs: [x], output, attributes: { dim, ...options } }) {
    tapMatrix(context, context.side(x, dim), { ...options, output, dtype: context.dtype });
  },
  resizeLike: (context, node) => resized(context, node, sides(context, node.inputs[1])),
  resize: (context, node) => resized(context, node, node.attributes.size),
};

/** Adds to `context` the ONNX nodes that compute what `node` does. */
export function lower(context: LoweringContext, node: Node): void {
  (LOWERINGS[node.operator] as Lowering<Operator>)(context, node);
  context.declare(node.output, node.output);
}

export interface ResizeOptions {
  /** Height and width of what is resized. */
  readonly from: readonly [Side, Side];
  readonly to: readonly [Side, Side];
  /** How much of the result is wanted, from the upper left. Left out, all. */
  readonly shown?: readonly [Side, Side];
  readonly alignCorners: boolean;
  readonly dtype: FloatType;
  readonly output: string;
}

/** Bilinear resize of `x`, `[n, c, h, w]`, as `U x V^T`. The rows first: the larger product is then one of two matrices. */
export function enlarged(context: LoweringContext, x: string, options: ResizeOptions): string {
  const { builder } = context;
  const { output } = options;
  const rows = along(context, 0, { ...options, transposed: false, output: `${output}.rows` });
  const columns = along(context, 1, { ...options, transposed: true, output: `${output}.columns` });
  const taller = builder.node("MatMul", [rows, x], { output: `${output}.taller` });
  return builder.node("MatMul", [taller, columns], { output });
}

/**
 * The same with the channels last, `[n, h, w, c]`: what is searched for its largest channel is searched where it lies.
 * Sizes that are not known are copied by Reshape.
 */
export function enlargedChannelsLast(
  context: LoweringContext,
  x: string,
  { channels, output, ...options }: ResizeOptions & { readonly channels: number },
): string {
  const { builder } = context;
  const matrix = (dim: 0 | 1, name: string) =>
    along(context, dim, { ...options, transposed: false, output: `${output}.${name}` });
  const last = builder.node("Transpose", [x], { output: `${output}.last`, attributes: { perm: [0, 2, 3, 1] } });
  const wider = builder.node("MatMul", [matrix(1, "columns"), last], { output: `${output}.wider` });
  const lines = builder.node("Reshape", [wider, builder.integers([0, 0, -1])], { output: `${output}.lines` });
  const taller = builder.node("MatMul", [matrix(0, "rows"), lines], { output: `${output}.taller` });
  return builder.node("Reshape", [taller, builder.integers([0, 0, -1, channels])], { output });
}

/** What enlarges along height (0) or width (1). */
function along(
  context: LoweringContext,
  dim: 0 | 1,
  { from, to, shown = to, ...options }: ResizeOptions & { readonly transposed: boolean },
): string {
  return enlargement(context, to[dim], { ...options, bins: from[dim], shown: shown[dim] });
}

/** Height and width of a value. */
export function sides(context: LoweringContext, value: string): [Side, Side] {
  return [context.side(value, 2), context.side(value, 3)];
}

/** One operator of ONNX's with the same inputs. */
function plain<O extends Operator>(
  operator: string,
  attributesOf: (attributes: Attributes[O]) => Readonly<Record<string, Attribute>> = () => ({}),
): Lowering<O> {
  return (context, { inputs, output, attributes }) => {
    const names = inputs.map((input) => context.input(input));
    context.builder.node(operator, names, { output, attributes: attributesOf(attributes) });
  };
}

function resized(
  context: LoweringContext,
  { inputs: [x], output, attributes: { alignCorners } }: Node<"resize" | "resizeLike">,
  to: readonly [Side, Side],
): void {
  const { dtype } = context;
  enlarged(context, context.input(x), { from: sides(context, x), to, alignCorners, dtype, output });
}

const ACTIVATIONS: Readonly<Record<Activation, string>> = { relu: "Relu" };

/** Convolution, sum with the residual, activation: whichever is there last has the node's name. */
function conv2d(context: LoweringContext, { name, inputs, output, attributes }: Node<"conv2d">): void {
  const { builder } = context;
  const { stride, padding, dilation, activation } = attributes;
  const [x, weight, bias = "", residual = ""] = inputs;
  const kernel = context.shapeOf(weight).slice(2) as number[];
  const names = [x, weight, bias].filter((input) => input !== "").map((input) => context.input(input));
  const named = (last: boolean, part: string): string => {
    if (last) return output;
    context.declare(`${name}.${part}`, output);
    return `${name}.${part}`;
  };
  let value = builder.node("Conv", names, {
    output: named(!activation && !residual, "convolution"),
    attributes: {
      kernel_shape: kernel,
      strides: [stride, stride],
      pads: [padding, padding, padding, padding],
      dilations: [dilation, dilation],
      group: 1,
    },
  });
  if (residual) value = builder.node("Add", [value, context.input(residual)], { output: named(!activation, "sum") });
  if (activation) builder.node(ACTIVATIONS[activation], [value], { output });
}

/** `P x Q^T`. The columns first: their product is one of two matrices, and leaves little for the rows. */
function adaptiveAvgPool2d(
  context: LoweringContext,
  { inputs: [x], output, attributes: { bins } }: Node<"adaptiveAvgPool2d">,
): void {
  const { builder, dtype } = context;
  const [h, w] = sides(context, x);
  const rows = averaging(context, h, { bins, transposed: false, dtype, output: `${output}.rows` });
  const columns = averaging(context, w, { bins, transposed: true, dtype, output: `${output}.columns` });
  const narrow = builder.node("MatMul", [context.input(x), columns], { output: `${output}.narrow` });
  builder.node("MatMul", [rows, narrow], { output });
}

/** The maximum of each cell's rows, then of each cell's columns. */
function adaptiveMaxPool2d(
  context: LoweringContext,
  { inputs: [x], output, attributes: { bins } }: Node<"adaptiveMaxPool2d">,
): void {
  const rows = maxima(context, { whole: x, from: context.input(x), dim: 2, bins, output: `${output}.rows` });
  maxima(context, { whole: x, from: rows, dim: 3, bins, output });
}

interface Maxima {
  /** The pooled value, which has the size. */
  readonly whole: string;
  readonly from: string;
  readonly dim: number;
  readonly bins: number;
  readonly output: string;
}

function maxima(context: LoweringContext, { whole, from, dim, bins, output }: Maxima): string {
  const { builder } = context;
  const cells = Array.from({ length: bins }, (_, cell) => {
    const name = `${output}.${cell}`;
    const [begin, end] = borders(context, cell, { whole, dim, bins, name });
    const part = builder.node("Slice", [from, begin, end, builder.integers([dim])], { output: `${name}.part` });
    return builder.node("ReduceMax", [part], { output: name, attributes: { axes: [dim], keepdims: 1 } });
  });
  return builder.node("Concat", cells, { output, attributes: { axis: dim } });
}

interface Borders {
  readonly whole: string;
  readonly dim: number;
  readonly bins: number;
  readonly name: string;
}

/** A cell's begin and end, each a list of one: floor(cell size / bins) and ceil((cell + 1) size / bins). */
function borders(
  context: LoweringContext,
  cell: number,
  { whole, dim, bins, name }: Borders,
): readonly [string, string] {
  const { builder } = context;
  const size = context.shapeOf(whole)[dim];
  if (typeof size === "number") {
    const { begin, end } = cellBorders(cell, { size, bins });
    return [builder.integers([begin]), builder.integers([end])];
  }
  const list = context.sideList(whole, dim);
  const border = (index: number, add: number, output: string) => {
    const product = builder.node("Mul", [list, builder.integers([index])], { output: `${output}.product` });
    const sum = builder.node("Add", [product, builder.integers([add])], { output: `${output}.sum` });
    return builder.node("Div", [sum, builder.integers([bins])], { output });
  };
  return [border(cell, 0, `${name}.begin`), border(cell + 1, bins - 1, `${name}.end`)];
}

/** The first `kept` sizes are copied (0), of the rest at most one is left to be found (-1). */
function reshape(context: LoweringContext, { inputs, output, operator, name }: Node, kept: number): void {
  const shape = context.shapeOf(output).map((size, i) => (typeof size === "number" ? size : i < kept ? 0 : -1));
  if (shape.filter((size) => size === -1).length > 1) {
    const found = context.shapeOf(output).map(formatDim).join(", ");
    throw new PspnetError(
      "usage",
      `exportOnnx: ${name}: expected a ${operator} to at most one open size, found [${found}]; give a size`,
    );
  }
  context.builder.node("Reshape", [context.input(inputs[0]), context.builder.integers(shape)], { output });
}
