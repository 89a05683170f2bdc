import {
  type Attributes,
  enlargeMatrix,
  type Graph,
  type GraphConstant,
  inferShapes,
  type Node,
  PspnetError,
} from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import { fromBuffer, tensor } from "./data.js";
import { keep } from "./scope.js";
import { Tensor } from "./tensor.js";

export interface PlanOptions {
  /** Of weights and activations: bfloat16 where the processor is fast at it, float16 on a GPU. */
  readonly dtype: "float32" | "bfloat16" | "float16";
  readonly device?: string;
  /** Size of images that the weights are laid out for at first, `[h, w]`. */
  readonly usualSize: readonly [number, number];
}

/** Sizes of images that the matrices are kept for. */
const SIZES_KEPT = 16;

/** How logits become an image's. */
export interface EnlargeOptions {
  /** What images are padded to on the right and bottom, `[h, w]`. */
  readonly size: readonly [number, number];
  /** Of the enlargement of the logits to `size`. */
  readonly alignCorners: boolean;
}

export interface PlanWindowOptions {
  /** Top and left of the window. */
  readonly corner: readonly [number, number];
  /** Its size, `[h, w]`. */
  readonly window: readonly [number, number];
  /** What it is padded to on the right and bottom, `[h, w]`. */
  readonly size: readonly [number, number];
  readonly flip: boolean;
}

/** How photographs, interleaved RGB, become a network's input. */
export interface ByteOptions {
  /** The input for each byte of each channel, `[3, 256]`. */
  readonly table: Float32Array;
  /** Whether the network takes the channels in the order BGR. */
  readonly reversed: boolean;
}

export interface LabelOptions extends EnlargeOptions, ByteOptions {}

/**
 * A graph compiled into one native object: convolutions with bias, ReLU and residual inside, their weights laid out once in the order
 * that oneDNN wants. It runs images of any size with the same weights; for a size that comes again it plans where in one block of memory
 * every activation lies, and lays out anew the few weights that another order suits better. Runs are off the event loop; those that are
 * asked for at once follow one another.
 */
export class Plan {
  readonly #handle: Handle;
  /** The graph without the values of its constants, which the native plan has. */
  readonly #shapes: Graph;
  /** Nodes whose values depend on the image's size alone: a run is given them. */
  readonly #matrices: readonly Node<"enlargeMatrix">[];
  readonly #device: string;
  /** The size that was used last at the end. */
  readonly #forSize = new Map<string, readonly Tensor[]>();

  /** @param graph with one input `[n, c, h, w]` and one output, the better for having been optimised. */
  constructor(graph: Graph, { dtype, device = "cpu", usualSize }: PlanOptions) {
    if (graph.inputs.length !== 1 || graph.outputs.size !== 1) {
      throw new PspnetError(
        "usage",
        `Plan: expected a graph of one input and one output, found ${graph.inputs.length} and ${graph.outputs.size}`,
      );
    }
    this.#shapes = withoutValues(graph);
    this.#device = device;
    this.#matrices = graph.nodes.filter((node): node is Node<"enlargeMatrix"> => node.operator === "enlargeMatrix");
    this.#handle = native().planCreate(dtype, device) as Handle;
    this.#build(graph, usualSize);
  }

  /** The output for normalised images `[n, c, h, w]`, in float32. */
  async run(images: Tensor): Promise<Tensor> {
    return new Tensor(
      (await native().planRun(this.#handle, images.handle, this.#matricesFor(images.shape.slice(2)))) as Handle,
    );
  }

  /** Logits of normalised images `[n, 3, h, w]`, enlarged to their size: `[n, classes, h, w]`. */
  async logits(images: Tensor, { size, alignCorners }: EnlargeOptions): Promise<Tensor> {
    const given = [images.handle, size, alignCorners, this.#matricesFor(size)];
    return new Tensor((await native().planLogits(this.#handle, ...given)) as Handle);
  }

  /** The output for a window of normalised images `[n, 3, h, w]`; with `flip` of `2 n` images, the second half mirrored. */
  async window(images: Tensor, { corner, window, size, flip }: PlanWindowOptions): Promise<Tensor> {
    const given = [images.handle, corner, window, size, flip, this.#matricesFor(size)];
    return new Tensor((await native().planWindow(this.#handle, ...given)) as Handle);
  }

  /**
   * From photographs to labels in one native call: padded, converted, run, enlarged and compared, without enlarged logits.
   * @param photographs `[n, h, w, 3]`, 0..255
   * @returns the best class of each pixel, `[n, h, w]`
   */
  async labels(
    photographs: Uint8Array,
    shape: readonly [number, number, number],
    options: LabelOptions,
  ): Promise<Uint8Array> {
    const { table, reversed, size, alignCorners } = options;
    const [n, h, w] = shape;
    using bytes = keep(fromBuffer(photographs, [n, h, w, 3]));
    using values = keep(tensor(table, [3, 256]));
    const given = [bytes.handle, values.handle, reversed, size, alignCorners, this.#matricesFor(size)];
    using result = keep(new Tensor((await native().planLabels(this.#handle, ...given)) as Handle));
    return result.toArray() as Uint8Array;
  }

  /** Bytes of the one block that the last run's activations lay in, or would in the next of its size. */
  get workspaceBytes(): number {
    return native().planWorkspaceBytes(this.#handle) as number;
  }

  /** Frees weights and matrices. Runs that have been asked for are still done. */
  dispose(): void {
    native().planDispose(this.#handle);
    for (const matrices of this.#forSize.values()) for (const matrix of matrices) matrix.dispose();
    this.#forSize.clear();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #build(graph: Graph, [h, w]: readonly [number, number]): void {
    const { inputs, initialisers, nodes, outputs } = graph;
    const [{ name, shape }] = inputs;
    const shapes = inferShapes(graph, { [name]: [1, shape[1], h, w] }) as ReadonlyMap<string, readonly number[]>;
    const index = new Map<string, number>([["", -1]]);
    for (const value of [name, ...initialisers.keys(), ...nodes.map(({ output }) => output)])
      index.set(value, index.size - 1);
    const at = (value: string) => index.get(value)!;
    for (const [value, constant] of initialisers) this.#constant(at(value), constant);
    for (const node of nodes) {
      if (node.operator === "enlargeMatrix") continue;
      const attributes = attributesOf(node, shapes.get(node.inputs[0])!);
      native().planAdd(this.#handle, node.operator, node.inputs.map(at), at(node.output), attributes);
    }
    const matrices = this.#matrices.map(({ output }) => at(output));
    native().planFinish(this.#handle, at(name), matrices, at([...outputs.values()][0]));
  }

  #constant(index: number, { data, shape }: GraphConstant): void {
    using value = keep(fromBuffer(data, shape));
    native().planConstant(this.#handle, index, value.handle);
  }

  /** @param size of the images that the network runs, `[h, w]` */
  #matricesFor(size: readonly number[]): Handle[] {
    const key = size.join("x");
    const matrices = this.#forSize.get(key) ?? this.#makeMatrices(size);
    this.#forSize.delete(key);
    this.#forSize.set(key, matrices);
    if (this.#forSize.size > SIZES_KEPT) {
      const [[oldest, unused]] = this.#forSize;
      this.#forSize.delete(oldest);
      for (const matrix of unused) matrix.dispose();
    }
    return matrices.map(({ handle }) => handle);
  }

  #makeMatrices(size: readonly number[]): readonly Tensor[] {
    const [{ name, shape }] = this.#shapes.inputs;
    const shapes = inferShapes(this.#shapes, { [name]: [1, shape[1], ...size] });
    return this.#matrices.map(({ inputs: [input], attributes }) =>
      this.#matrix(shapes.get(input)![attributes.dim] as number, attributes),
    );
  }

  #matrix(size: number, attributes: Attributes["enlargeMatrix"]): Tensor {
    const shape = [1, size, attributes.taps * attributes.bins];
    return keep(tensor(enlargeMatrix(size, attributes), shape, { dtype: "float32", device: this.#device }));
  }
}

function withoutValues(graph: Graph): Graph {
  const data = new Float32Array();
  return {
    ...graph,
    initialisers: new Map([...graph.initialisers].map(([name, { shape }]) => [name, { shape, data }])),
  };
}

/** What the native operator is told, as numbers in its order. */
function attributesOf(node: Node, inputShape: readonly number[]): number[] {
  switch (node.operator) {
    case "conv2d": {
      const { stride, padding, dilation, relu } = node.attributes;
      return [stride, padding, dilation, Number(relu), ...inputShape];
    }
    case "maxPool2d": {
      const { kernelSize, stride, padding, ceilMode } = node.attributes;
      return [kernelSize, stride, padding, Number(ceilMode)];
    }
    case "adaptiveAvgPool2d":
    case "adaptiveMaxPool2d":
      return [node.attributes.bins];
    case "cat":
      return [node.attributes.dim];
    case "narrow":
      return [node.attributes.dim, node.attributes.start, node.attributes.length];
    case "permute":
      return [...node.attributes.dims];
    case "flatten":
      return [node.attributes.start, node.attributes.end];
    case "unflatten":
      return [node.attributes.dim, ...node.attributes.sizes];
    case "resizeLike":
      return [Number(node.attributes.alignCorners)];
    case "resize":
      return [...node.attributes.size, Number(node.attributes.alignCorners)];
    default:
      return [];
  }
}
