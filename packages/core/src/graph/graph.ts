import type { AlignCorners } from "../tensor/alignCorners.js";
import type { AvgPool2dOptions, MaxPool2dOptions, Padding } from "../tensor/tensor.js";
import type { Dim } from "./dim.js";

/** How bytes stand for real numbers: x = scale * (byte - zeroPoint), bytes and zero point 0..255. */
export interface Quantisation {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** What each operator is told beside its inputs. The meaning is that of the method of `Tensor` of the same name. */
export interface Attributes {
  /** Inputs x, weight, bias, residual; the last two may be missing. activation(conv(x) + bias + residual), each part if it is there. */
  conv2d: {
    readonly stride: number;
    readonly padding: number;
    readonly dilation: number;
    readonly groups: number;
    readonly activation: Activation | null;
  };
  /**
   * The same of bytes: inputs x, weight, the weight's scale of each output `[o]`, bias, residual; the last two may be missing. The weight
   * holds real numbers, which are taken as multiples of -127 to 127 of the scale.
   */
  quantisedConv2d: Attributes["conv2d"] & {
    readonly input: Quantisation;
    /** Null: the output is real numbers. */
    readonly output: Quantisation | null;
    /** Null for a residual of real numbers, which only such an output takes. */
    readonly residual: Quantisation | null;
    /** Whether the output may take the residual's place: no later node reads that. */
    readonly inPlace: boolean;
  };
  quantise: Quantisation;
  /**
   * How often numbers of each size come, but for 0: `[1 + 2 * HISTOGRAM_BINS]`, the width of the bins, a power of two, and the counts from
   * the lowest bin. As many bins are above 0 as below. In plans alone.
   */
  histogram: Record<never, never>;
  dequantise: Quantisation;
  /** In evaluation. Inputs x, weight, bias, running mean, running variance. */
  batchNorm: { readonly eps: number };
  /** activation(x times a number for each channel, plus another): inputs `[n, c, h, w]`, `[c]` and `[c]`; the last may be missing. */
  scaleChannels: { readonly activation: Activation | null };
  relu: Record<never, never>;
  relu6: Record<never, never>;
  /** Inputs x and weight. */
  prelu: Record<never, never>;
  logSoftmax: { readonly dim: number };
  add: Record<never, never>;
  /** Inputs x, weight, bias; the last may be missing. */
  linear: Record<never, never>;
  maxPool2d: Required<MaxPool2dOptions>;
  avgPool2d: Required<AvgPool2dOptions>;
  adaptiveAvgPool2d: { readonly bins: number };
  /** The same of bytes, in real numbers. */
  adaptiveAvgPoolOfBytes: Quantisation & { readonly bins: number };
  adaptiveMaxPool2d: { readonly bins: number };
  pad: { readonly padding: Padding };
  cat: { readonly dim: number };
  narrow: { readonly dim: number; readonly start: number; readonly length: number };
  matmul: Record<never, never>;
  permute: { readonly dims: readonly number[] };
  flatten: { readonly start: number; readonly end: number };
  unflatten: { readonly dim: number; readonly sizes: readonly number[] };
  /** The input gives its size alone. */
  enlargeMatrix: {
    readonly dim: number;
    readonly bins: number;
    readonly taps: number;
    readonly alignCorners: AlignCorners;
  };
  /** Inputs x and what it is to be as large as. */
  resizeLike: { readonly alignCorners: AlignCorners };
  resizeBy: { readonly factor: number; readonly alignCorners: AlignCorners };
  resize: { readonly size: readonly [number, number]; readonly alignCorners: AlignCorners };
}

export type Operator = keyof Attributes;

/** Of a histogram, on each side of 0. */
export const HISTOGRAM_BINS = 1024;

/** Operators of one input and no attributes that a convolution takes in. */
export type Activation = "relu" | "relu6";

/** One operation: values by name in, one value out. An input that is left out is "". */
export type Node<O extends Operator = Operator> = {
  readonly [Op in O]: {
    readonly name: string;
    readonly operator: Op;
    readonly inputs: readonly string[];
    readonly output: string;
    readonly attributes: Attributes[Op];
  };
}[O];

/** Element types of constants, each with what holds it; halves as their bits. */
interface ConstantArrays {
  float32: Float32Array;
  float16: Uint16Array;
}

/** A constant of a graph, row-major. */
export type GraphConstant<D extends keyof ConstantArrays = keyof ConstantArrays> = {
  readonly [Type in D]: {
    readonly dtype: Type;
    readonly shape: readonly number[];
    readonly data: ConstantArrays[Type];
  };
}[D];

export interface GraphInput {
  readonly name: string;
  readonly shape: readonly Dim[];
}

/**
 * A network as data: nodes in an order in which they can be computed. Every value has one name and is given by an input, an
 * initialiser or one node. A graph is never changed: a pass makes another.
 */
export interface Graph {
  readonly inputs: readonly GraphInput[];
  readonly initialisers: ReadonlyMap<string, GraphConstant>;
  readonly nodes: readonly Node[];
  /** What the graph computes: the name outside, and the value's. */
  readonly outputs: ReadonlyMap<string, string>;
}

/** The nodes that read each value. A value that the graph gives out counts as read by its output, null. */
export function readers({ nodes, outputs }: Graph): Map<string, (Node | null)[]> {
  const map = new Map<string, (Node | null)[]>();
  const add = (value: string, reader: Node | null) => {
    const list = map.get(value);
    if (list) list.push(reader);
    else map.set(value, [reader]);
  };
  for (const node of nodes) for (const input of node.inputs) if (input !== "") add(input, node);
  for (const value of outputs.values()) add(value, null);
  return map;
}

/** The values of a graph that are bytes. */
export function byteValues({ nodes }: Graph): Set<string> {
  const found = new Set<string>();
  for (const { operator, attributes, inputs, output } of nodes) {
    const bytes =
      operator === "quantise" ||
      (operator === "quantisedConv2d" && attributes.output !== null) ||
      (operator === "maxPool2d" && found.has(inputs[0]));
    if (bytes) found.add(output);
  }
  return found;
}

/** The same graph with no more of its constants than their shapes. */
export function withoutValues(graph: Graph): Graph {
  const emptied = (constant: GraphConstant) => ({ ...constant, data: constant.data.slice(0, 0) }) as GraphConstant;
  const shapes = [...graph.initialisers].map(([name, constant]) => [name, emptied(constant)] as const);
  return { ...graph, initialisers: new Map(shapes) };
}
