/** How pools are said in ONNX: windows with explicit pads, and adaptive pools by matrices or slices. */
import type { Attributes, Node } from "../graph/graph.js";
import { paddingAtEnd } from "../graph/shapes.js";
import type { Padding } from "../tensor/tensor.js";
import type { LoweringContext } from "./context.js";
import { averaging, cellBorders } from "./matrices.js";
import type { Attribute } from "./proto.js";

/**
 * What windows are, with so much padding before and after. A pool that rounds up is one that rounds down with more after:
 * runtimes do not agree on the last window of ONNX's `ceil_mode`.
 */
function windows(
  { kernelSize, stride }: Attributes["maxPool2d"],
  [before, after]: readonly [number, number],
): Record<string, Attribute> {
  return {
    kernel_shape: [kernelSize, kernelSize],
    strides: [stride, stride],
    pads: [before, before, after, after],
  };
}

export function maxPool2d(context: LoweringContext, { inputs: [x], output, attributes }: Node<"maxPool2d">): void {
  const pads = [attributes.padding, paddingAtEnd(attributes)] as const;
  context.builder.node("MaxPool", [context.input(x)], { output, attributes: windows(attributes, pads) });
}

/** Of padding that counts zeros are made, for what rounding up adds beyond it never counts. */
export function avgPool2d(context: LoweringContext, { inputs, output, attributes }: Node<"avgPool2d">): void {
  const { padding, countIncludePad } = attributes;
  const end = paddingAtEnd(attributes);
  let x = context.input(inputs[0]);
  let pads: [number, number] = [padding, end];
  if (countIncludePad && padding > 0) {
    x = padded(context, x, { padding: [padding, padding, padding, padding], output: `${output}.padded` });
    pads = [0, end - padding];
  }
  context.builder.node("AveragePool", [x], { output, attributes: windows(attributes, pads) });
}

/** Zeros around `x`, `[n, c, h, w]`. */
export function padded(
  { builder }: LoweringContext,
  x: string,
  { padding: [left, right, top, bottom], output }: { readonly padding: Padding; readonly output: string },
): string {
  return builder.node("Pad", [x, builder.integers([0, 0, top, left, 0, 0, bottom, right])], { output });
}

export function adaptiveAvgPool2d(
  context: LoweringContext,
  { inputs: [x], output, attributes: { bins } }: Node<"adaptiveAvgPool2d">,
): void {
  averagePool(context, { x: context.input(x), like: x, bins, output });
}

interface AveragePool {
  readonly x: string;
  /** The graph's value of that size. */
  readonly like: string;
  readonly bins: number;
  readonly output: string;
}

/** `P x Q^T`. The columns first: their product is one of two matrices, and leaves little for the rows. */
export function averagePool(context: LoweringContext, { x, like, bins, output }: AveragePool): void {
  const { builder, dtype } = context;
  const [h, w] = context.sides(like);
  const rows = averaging(context, h, { bins, transposed: false, dtype, output: `${output}.rows` });
  const columns = averaging(context, w, { bins, transposed: true, dtype, output: `${output}.columns` });
  const narrow = builder.node("MatMul", [x, columns], { output: `${output}.narrow` });
  builder.node("MatMul", [rows, narrow], { output });
}

/** The maximum of each cell's rows, then of each cell's columns. */
export function adaptiveMaxPool2d(
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
