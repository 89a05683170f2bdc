import { PspnetError } from "../error.js";
import type { Module } from "../nn/module.js";
import type {
  AvgPool2dOptions,
  Backend,
  BatchNormOptions,
  Conv2dOptions,
  EnlargeMatrixOptions,
  InterpolateOptions,
  MaxPool2dOptions,
  Padding,
  Shape,
  Tensor,
} from "../tensor/tensor.js";
import type { Dim } from "./dim.js";
import type { Attributes, Graph, GraphConstant, GraphInput, Node, Operator } from "./graph.js";
import { outputShape } from "./shapes.js";

/** How a value came to be: an operation on others, a constant, or what the graph is given. */
type Source =
  | {
      readonly kind: "node";
      readonly operator: Operator;
      readonly inputs: readonly (GraphTensor | null)[];
      readonly attributes: object;
    }
  | { readonly kind: "constant"; readonly data: Float32Array }
  | { readonly kind: "input"; readonly name: string };

/** A `Tensor` that computes nothing and remembers how it was made. */
export class GraphTensor implements Tensor {
  readonly dtype = "float32";

  private constructor(
    readonly dims: readonly Dim[],
    readonly source: Source,
  ) {}

  static input({ name, shape }: GraphInput): GraphTensor {
    return new GraphTensor(shape, { kind: "input", name });
  }

  static constant(data: Float32Array, shape: Shape): GraphTensor {
    return new GraphTensor(shape, { kind: "constant", data });
  }

  /** Sizes that depend on the image are -1, as in PyTorch's `view`. */
  get shape(): Shape {
    return this.dims.map((dim) => (typeof dim === "number" ? dim : -1));
  }

  /** Just `work`: there is nothing to free. */
  scope<R>(work: () => R): R {
    return work();
  }

  add(other: this): this {
    return this.#record("add", {}, [other]);
  }

  relu(): this {
    return this.#record("relu", {});
  }

  relu6(): this {
    return this.#record("relu6", {});
  }

  prelu(weight: this): this {
    return this.#record("prelu", {}, [weight]);
  }

  logSoftmax(dim: number): this {
    return this.#record("logSoftmax", { dim });
  }

  cat(others: readonly this[], dim: number): this {
    return this.#record("cat", { dim }, others);
  }

  conv2d(weight: this, bias: this | null, options: Conv2dOptions): this {
    const { stride = 1, padding = 0, dilation = 1, groups = 1 } = options;
    const attributes = { stride, padding, dilation, groups, activation: null };
    return this.#record("conv2d", attributes, bias ? [weight, bias] : [weight]);
  }

  batchNorm(weight: this, bias: this, runningMean: this, runningVar: this, { training, eps }: BatchNormOptions): this {
    if (training) throw inTraining("batch norm");
    return this.#record("batchNorm", { eps }, [weight, bias, runningMean, runningVar]);
  }

  /** Nodes of their own, as passes know them. */
  batchNormRelu(
    weight: this,
    bias: this,
    runningMean: this,
    runningVar: this,
    residual: this | null,
    options: BatchNormOptions,
  ): this {
    const normalised = this.batchNorm(weight, bias, runningMean, runningVar, options);
    return (residual === null ? normalised : normalised.add(residual)).relu();
  }

  linear(weight: this, bias?: this | null): this {
    return this.#record("linear", {}, bias ? [weight, bias] : [weight]);
  }

  maxPool2d({ kernelSize, stride, padding = 0, ceilMode = false }: MaxPool2dOptions): this {
    return this.#record("maxPool2d", { kernelSize, stride, padding, ceilMode });
  }

  avgPool2d(options: AvgPool2dOptions): this {
    const { kernelSize, stride, padding = 0, ceilMode = false, countIncludePad = true } = options;
    return this.#record("avgPool2d", { kernelSize, stride, padding, ceilMode, countIncludePad });
  }

  adaptiveAvgPool2d(bins: number): this {
    return this.#record("adaptiveAvgPool2d", { bins });
  }

  adaptiveMaxPool2d(bins: number): this {
    return this.#record("adaptiveMaxPool2d", { bins });
  }

  pad(padding: Padding): this {
    return this.#record("pad", { padding });
  }

  matmul(other: this): this {
    return this.#record("matmul", {}, [other]);
  }

  permute(...dims: number[]): this {
    return this.#record("permute", { dims });
  }

  flatten(start: number, end: number): this {
    return this.#record("flatten", { start, end });
  }

  unflatten(dim: number, sizes: readonly number[]): this {
    return this.#record("unflatten", { dim, sizes });
  }

  split(sizes: readonly number[], dim: number): this[] {
    let start = 0;
    return sizes.map((length) => {
      const part = this.#record("narrow", { dim, start, length });
      start += length;
      return part;
    });
  }

  enlargeMatrix(dim: number, { bins, taps, alignCorners }: EnlargeMatrixOptions): this {
    return this.#record("enlargeMatrix", { dim, bins, taps, alignCorners });
  }

  resizeLike(like: this, { alignCorners }: InterpolateOptions): this {
    return this.#record("resizeLike", { alignCorners }, [like]);
  }

  resizeBy(factor: number, { alignCorners }: InterpolateOptions): this {
    return this.#record("resizeBy", { factor, alignCorners });
  }

  resize(size: readonly [number, number], { alignCorners }: InterpolateOptions): this {
    return this.#record("resize", { size, alignCorners });
  }

  dropout2d(_p: number, training: boolean): this {
    if (training) throw inTraining("dropout");
    return this;
  }

  dropout(_p: number, training: boolean): this {
    if (training) throw inTraining("dropout");
    return this;
  }

  #record<O extends Operator>(operator: O, attributes: Attributes[O], others: readonly (this | null)[] = []): this {
    const inputs = [this, ...others];
    const shapes = inputs.filter((input) => input !== null).map((input) => input.dims);
    return new GraphTensor(outputShape(operator, shapes, attributes), {
      kind: "node",
      operator,
      inputs,
      attributes,
    }) as this;
  }
}

function inTraining(what: string): PspnetError {
  return new PspnetError(
    "usage",
    `trace: expected a network in evaluation, found ${what} in training; call eval() first`,
  );
}

/** Gives the parameters of a network that is to be traced their values. Keeps the arrays as they are, without a copy. */
export const graphBackend: Backend<GraphTensor> = {
  tensor: (data, shape) => GraphTensor.constant(data, shape),
};

/**
 * The graph of what `forward` does with one input: the same `forward` that trains.
 *
 * @param module the network, in evaluation, its parameters from {@link graphBackend}. Their paths name the initialisers.
 * @param input name and shape of the input; sizes that are symbols stay open.
 */
export function trace(
  module: Module,
  input: GraphInput,
  forward: (x: GraphTensor) => Readonly<Record<string, GraphTensor>>,
): Graph {
  const paths = new Map<GraphTensor, string>();
  for (const [path, parameter] of module.stateDict()) paths.set(parameter.as<GraphTensor>(), path);
  const recorder = new Recorder(paths, input.name);
  const outputs = Object.entries(forward(GraphTensor.input(input)));
  const values = outputs.map(([name, tensor]) => [name, recorder.visit(tensor)] as const);
  return { inputs: [input], initialisers: recorder.initialisers, nodes: recorder.nodes, outputs: new Map(values) };
}

/** Puts values and all they come from into lists, and names them. */
class Recorder {
  readonly nodes: Node[] = [];
  readonly initialisers = new Map<string, GraphConstant>();
  readonly #paths: ReadonlyMap<GraphTensor, string>;
  readonly #names = new Map<GraphTensor, string>();
  readonly #counts = new Map<string, number>();
  readonly #taken: Set<string>;

  constructor(paths: ReadonlyMap<GraphTensor, string>, input: string) {
    this.#paths = paths;
    this.#taken = new Set([input, ...paths.values()]);
  }

  /** The name of `tensor`, after it and what it comes from have been listed. */
  visit(tensor: GraphTensor): string {
    const known = this.#names.get(tensor);
    if (known !== undefined) return known;
    const name = this.#list(tensor);
    this.#names.set(tensor, name);
    return name;
  }

  #list(tensor: GraphTensor): string {
    const { source } = tensor;
    if (source.kind === "input") return source.name;
    if (source.kind === "constant") {
      const name = this.#paths.get(tensor) ?? this.#numbered("constant");
      this.initialisers.set(name, { dtype: tensor.dtype, shape: tensor.shape, data: source.data });
      return name;
    }
    const { operator, attributes } = source;
    const inputs = source.inputs.map((input) => (input === null ? "" : this.visit(input)));
    const name = this.#nodeName(operator, inputs, attributes);
    this.nodes.push({ name, operator, inputs, output: name, attributes } as Node);
    return name;
  }

  /** A layer with weights has its path's name, `layer1.0.conv1`, a part of weights tells which; the rest are numbered. */
  #nodeName(operator: Operator, inputs: readonly string[], attributes: object): string {
    if (operator === "narrow") {
      const { start, length } = attributes as Attributes["narrow"];
      return this.#unique(`${inputs[0]}[${start}:${start + length}]`);
    }
    const layer = /^(.+)\.weight(\[.+)?$/.exec(inputs[1] ?? "");
    return layer ? this.#unique(layer[1]) : this.#numbered(operator);
  }

  /** `name`; when a value has it, as when a layer is applied twice, with a number. */
  #unique(name: string): string {
    if (this.#taken.has(name)) return this.#numbered(name);
    this.#taken.add(name);
    return name;
  }

  #numbered(stem: string): string {
    const count = (this.#counts.get(stem) ?? 0) + 1;
    this.#counts.set(stem, count);
    return this.#unique(`${stem}_${count}`);
  }
}
