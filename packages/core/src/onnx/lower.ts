/** How each operator of a graph is said in ONNX's: no Resize, no adaptive pooling, no control flow. */

import { PspnetError } from "../error.js";
import { formatDim } from "../graph/dim.js";
import type { Activation, Attributes, Node, Operator } from "../graph/graph.js";
import type { AlignCorners } from "../tensor/alignCorners.js";
import type { FloatType } from "../weights/elements.js";
import { arithmetic } from "./arithmetic.js";
import type { LoweringContext, Side } from "./context.js";
import { enlargement, tapMatrix } from "./matrices.js";
import { adaptiveAvgPool2d, adaptiveMaxPool2d, averagePool, avgPool2d, maxPool2d, padded } from "./pooling.js";
import type { Attribute } from "./proto.js";
import { dequantised, quantised, quantisedConv2d } from "./quantisation.js";
import { suitsWinograd, winograd } from "./winograd.js";

type Lowering<O extends Operator> = (context: LoweringContext, node: Node<O>) => void;

const LOWERINGS: { readonly [O in Operator]: Lowering<O> } = {
  conv2d,
  quantisedConv2d,
  quantise(context, { inputs: [x], output, attributes }) {
    quantised(context, context.input(x), { as: attributes, output });
  },
  dequantise(context, { inputs: [x], output, attributes }) {
    dequantised(context, x, { as: attributes, output });
  },
  adaptiveAvgPool2d,
  adaptiveAvgPoolOfBytes(context, { inputs: [x], output, attributes }) {
    const real = dequantised(context, x, { as: attributes, output: `${output}.real` });
    averagePool(context, { x: real, like: x, bins: attributes.bins, output });
  },
  histogram(_context, { name }) {
    throw new PspnetError("usage", `exportOnnx: ${name}: expected an operator of ONNX, found a histogram`);
  },
  adaptiveMaxPool2d,
  batchNorm: plain("BatchNormalization", ({ eps }) => ({ epsilon: { float: eps } })),
  scaleChannels,
  relu: activation,
  relu6: activation,
  prelu,
  logSoftmax,
  add: plain("Add"),
  matmul: plain("MatMul"),
  linear: plain("Gemm", () => ({ transB: 1 })),
  maxPool2d,
  avgPool2d,
  pad(context, { inputs: [x], output, attributes: { padding } }) {
    padded(context, context.input(x), { padding, output });
  },
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
  resizeLike: (context, node) => resized(context, node, context.sides(node.inputs[1])),
  resizeBy: (context, node) => resized(context, node, multiples(context, node)),
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
  readonly alignCorners: AlignCorners;
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

function multiples(context: LoweringContext, { inputs: [x], output, attributes: { factor } }: Node<"resizeBy">) {
  const { math } = arithmetic(context, `${output}.size`);
  const times = (side: Side) => (typeof side === "number" ? side * factor : math(side, "*", factor));
  const [h, w] = context.sides(x);
  return [times(h), times(w)] as const;
}

function resized(
  context: LoweringContext,
  { inputs: [x], output, attributes: { alignCorners } }: Node<"resize" | "resizeBy" | "resizeLike">,
  to: readonly [Side, Side],
): void {
  const { dtype } = context;
  enlarged(context, context.input(x), { from: context.sides(x), to, alignCorners, dtype, output });
}

export const ACTIVATIONS: Readonly<Record<Activation, (context: LoweringContext, x: string, output: string) => void>> =
  {
    relu: ({ builder }, x, output) => builder.node("Relu", [x], { output }),
    relu6({ builder, dtype }, x, output) {
      const bounds = [0, 6].map((bound) => builder.scalar(bound, dtype));
      builder.node("Clip", [x, ...bounds], { output });
    },
  };

function activation(context: LoweringContext, { operator, inputs: [x], output }: Node<Activation>): void {
  ACTIVATIONS[operator](context, context.input(x), output);
}

/** Product, sum, activation: whichever is there last has the node's name. */
function scaleChannels(context: LoweringContext, { name, inputs, output, attributes }: Node<"scaleChannels">): void {
  const [x, factor, summand = ""] = inputs;
  const { activation } = attributes;
  const column = (constant: string) =>
    context.constant(constant, `${constant}.column`, [...(context.shapeOf(constant) as readonly number[]), 1, 1]);
  const product = summand || activation ? `${name}.product` : output;
  let value = context.builder.node("Mul", [context.input(x), column(factor)], { output: product });
  const sum = activation ? `${name}.sum` : output;
  if (summand) value = context.builder.node("Add", [value, column(summand)], { output: sum });
  if (activation) ACTIVATIONS[activation](context, value, output);
}

function prelu(context: LoweringContext, { inputs: [x, weight], output }: Node<"prelu">): void {
  const [channels] = context.shapeOf(weight) as readonly number[];
  const shape = [
    channels,
    ...context
      .shapeOf(x)
      .slice(2)
      .map(() => 1),
  ];
  const slope = context.constant(weight, `${weight}.column`, shape);
  context.builder.node("PRelu", [context.input(x), slope], { output });
}

/** In float32 always: a sum of many small exponentials keeps its digits so. */
function logSoftmax(context: LoweringContext, { inputs: [x], output, attributes: { dim } }: Node<"logSoftmax">): void {
  const { builder, dtype } = context;
  const attributes = { axis: dim };
  if (dtype === "float32") {
    builder.node("LogSoftmax", [context.input(x)], { output, attributes });
    return;
  }
  const full = builder.cast(context.input(x), "float32", `${output}.full`);
  builder.cast(builder.node("LogSoftmax", [full], { output: `${output}.float32`, attributes }), dtype, output);
}

/** Convolution, sum with the residual, activation: whichever is there last has the node's name. */
function conv2d(context: LoweringContext, node: Node<"conv2d">): void {
  const { builder } = context;
  const { name, inputs, output, attributes } = node;
  const { activation } = attributes;
  const [, , , residual = ""] = inputs;
  const named = (last: boolean, part: string): string => {
    if (last) return output;
    context.declare(`${name}.${part}`, output);
    return `${name}.${part}`;
  };
  const convolved = named(!activation && !residual, "convolution");
  const inTiles = context.winograd && suitsWinograd(context, node);
  let value = (inTiles ? winograd : convolution)(context, node, convolved);
  if (residual) value = builder.node("Add", [value, context.input(residual)], { output: named(!activation, "sum") });
  if (activation) ACTIVATIONS[activation](context, value, output);
}

function convolution(context: LoweringContext, { inputs, attributes }: Node<"conv2d">, output: string): string {
  const names = inputs.slice(0, 3).filter((input) => input !== "");
  return context.builder.node(
    "Conv",
    names.map((input) => context.input(input)),
    { output, attributes: convolutionAttributes(context, inputs[1], attributes) },
  );
}

/** What ONNX's Conv is told of a convolution with these weights. */
export function convolutionAttributes(
  context: LoweringContext,
  weight: string,
  { stride, padding, dilation, groups }: Attributes["conv2d"],
): Readonly<Record<string, Attribute>> {
  return {
    kernel_shape: context.shapeOf(weight).slice(2) as number[],
    strides: [stride, stride],
    pads: [padding, padding, padding, padding],
    dilations: [dilation, dilation],
    group: groups,
  };
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
