import {
  type AlignCorners,
  type ByteInput,
  type Graph,
  PRECISION_DTYPE,
  type Precision,
  PspnetError,
} from "@pspnet/core";
import { inferShapes, type Node, peakBytes, withoutValues } from "@pspnet/core/graph";
import { notFinite } from "@pspnet/core/segment";
import { type Handle, native } from "./binding.js";
import { tensor, viewOf } from "./data.js";
import { bfloat16Instructions } from "./device.js";
import { keep } from "./scope.js";
import { Tensor } from "./tensor.js";

export interface PlanOptions {
  /** Of weights and activations: bf16 where the processor is fast at it; fp16 on a GPU alone. */
  readonly precision: Precision;
  readonly device?: string;
  /** Size of images that the weights are laid out for at first, `[h, w]`. */
  readonly usualSize: readonly [number, number];
  /**
   * Whether products of matrices are summed in the same order on any number of threads: every process on one kind of processor then gives
   * the same, in float32, as far as oneDNN's sums do not depend on threads.
   */
  readonly reproducible?: boolean;
}

/** How logits become an image's. */
export interface EnlargeOptions {
  /** What images are padded to on the right and bottom, `[h, w]`. */
  readonly size: readonly [number, number];
  /** Of the enlargement of the logits to `size`. */
  readonly alignCorners: AlignCorners;
}

/** What bfloat16 takes where the processor has no instructions for it, over what it takes elsewhere: 1 to 3.3 was measured. */
const EMULATED = 3.3;

/** Of images of one size. */
export type PhotographShape = readonly [n: number, h: number, w: number];

export interface LabelOptions extends EnlargeOptions, ByteInput {}

/** Which parts of a photograph are looked at. */
export interface PlanWindowsOptions extends ByteInput {
  /** Size that the photograph is resized to, `[h, w]`: bilinearly with half-pixel centres and without smoothing. */
  readonly scaled: readonly [number, number];
  /** Top and left of each window there. Beyond the photograph lies the mean colour. */
  readonly corners: readonly (readonly [number, number])[];
  /** Size of the windows, `[h, w]`. */
  readonly window: readonly [number, number];
  /** What they are padded to on the right and bottom, `[h, w]`. */
  readonly size: readonly [number, number];
  /** Whether to look at their mirror images too. */
  readonly flip: boolean;
}

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
  readonly #device: string;
  readonly #precision: Precision;
  /** Of nodes, by the number of their output. */
  #names: ReadonlyMap<number, string> = new Map();

  /** @param graph with one input `[n, c, h, w]` and one output, the better for having been optimised. */
  constructor(graph: Graph, { precision, device = "cpu", usualSize, reproducible = false }: PlanOptions) {
    if (graph.inputs.length !== 1 || graph.outputs.size !== 1) {
      throw new PspnetError(
        "usage",
        `Plan: expected a graph of one input and one output, found ${graph.inputs.length} and ${graph.outputs.size}`,
      );
    }
    this.#shapes = withoutValues(graph);
    this.#device = device;
    this.#precision = precision;
    this.#handle = native().planCreate(PRECISION_DTYPE[precision], device, reproducible) as Handle;
    this.#build(graph, usualSize);
  }

  /** The output for normalised images `[n, c, h, w]`, in float32. Their memory is read until the promise is kept. */
  async run(images: Tensor): Promise<Tensor> {
    return computed(native().planRun(this.#handle, images.handle));
  }

  /**
   * Logits of photographs, enlarged to their size: `[n, classes, h, w]`. What becomes of the bytes afterwards changes nothing.
   * @param photographs `[n, h, w, c]`, 0..255, of as many channels as `options.table` has
   */
  logits(photographs: Uint8Array, shape: PhotographShape, options: LabelOptions): Promise<Tensor> {
    return this.#fromWhole("planLogits", photographs, shape, options);
  }

  /**
   * From photographs to labels in one native call: padded, converted, run, enlarged and compared, without enlarged logits. What becomes
   * of the bytes afterwards changes nothing.
   * @param photographs `[n, h, w, c]`, 0..255, of as many channels as `options.table` has
   * @returns the best class of each pixel, `[n, h, w]`
   * @throws PspnetError "weights" for logits that are infinite or NaN.
   */
  async labels(photographs: Uint8Array, shape: PhotographShape, options: LabelOptions): Promise<Uint8Array> {
    using result = keep(await this.#fromWhole("planLabels", photographs, shape, options));
    return result.toArray() as Uint8Array;
  }

  /**
   * Logits of windows of a photograph, `[windows, classes, h, w]`; with `flip` each is followed by its mirror image's.
   * @param photograph uint8 `[1, h, w, c]`, a tensor that is not on memory of JavaScript's
   * @throws PspnetError "weights" for logits that are infinite or NaN.
   */
  async windows(photograph: Tensor, options: PlanWindowsOptions): Promise<Tensor> {
    const { table, reversed, scaled, corners, window, size, flip } = options;
    using values = keep(tableOf(table));
    const given = [photograph.handle, values.handle, reversed, scaled, corners.flat(), window, size, flip];
    return computed(native().planWindows(this.#handle, ...given));
  }

  /** The one block that activations of the last run's size lie in: its bytes, and how many runs it has served. */
  get workspace(): { readonly bytes: number; readonly runs: number } {
    const [bytes, runs] = native().planWorkspace(this.#handle) as [number, number];
    return { bytes, runs };
  }

  /**
   * The names of the convolutions that the last run multiplied in Winograd's form: those that are faster so, as far as their size and the
   * kind of processor tell.
   */
  get winograd(): readonly string[] {
    return (native().planWinograd(this.#handle) as number[]).map((output) => this.#names.get(output)!);
  }

  /**
   * About how much memory a run on `n` images of `[h, w]` takes at once, in bytes: what lives at the same time of what the operators make,
   * and their inputs.
   */
  memoryFor([n, h, w]: PhotographShape): number {
    const [{ name, shape }] = this.#shapes.inputs;
    const emulated = this.#precision === "bf16" && this.#device === "cpu" && !bfloat16Instructions();
    const bytes = this.#precision === "fp32" ? 4 : 2;
    const options = { bytes, scratch: this.#scratch.bind(this) };
    return (emulated ? EMULATED : 1) * peakBytes(this.#shapes, { [name]: [n, shape[1], h, w] }, options);
  }

  /** Frees the weights. Runs that have been asked for are still done. */
  dispose(): void {
    native().planDispose(this.#handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  async #fromWhole(
    question: "planLogits" | "planLabels",
    bytes: Uint8Array,
    shape: PhotographShape,
    { table, reversed, size, alignCorners }: LabelOptions,
  ): Promise<Tensor> {
    using values = keep(tableOf(table));
    using photographs = keep(tensor(bytes, [...shape, values.shape[0]]));
    const given = [photographs.handle, values.handle, reversed, size, alignCorners];
    return computed(native()[question](this.#handle, ...given));
  }

  /**
   * Bytes that libtorch takes beside a node's output: its max pooling finds places too, its mean of half precision is one of floats, and a
   * convolution that may be Winograd's has its tiles.
   */
  #scratch(node: Node, elements: (value: string) => number, shapeOf: (value: string) => readonly number[]): number {
    const [first, weights] = node.inputs;
    if (node.operator === "maxPool2d") return 8 * elements(node.output);
    if (node.operator === "adaptiveAvgPool2d") return node.attributes.bins === 1 ? 4 * elements(first) : 0;
    if (node.operator !== "conv2d") return 0;
    const attributes = { ...node.attributes, inputSize: shapeOf(first) };
    return native().planScratch(this.#handle, shapeOf(weights), attributes) as number;
  }

  #build(graph: Graph, [h, w]: readonly [number, number]): void {
    const { inputs, initialisers, nodes, outputs } = graph;
    const [{ name, shape }] = inputs;
    const shapes = inferShapes(graph, { [name]: [1, shape[1], h, w] });
    const index = new Map<string, number>([["", -1]]);
    for (const value of [name, ...initialisers.keys(), ...nodes.map(({ output }) => output)])
      index.set(value, index.size - 1);
    this.#names = new Map(nodes.map(({ name, output }) => [index.get(output)!, name]));
    const at = (value: string) => index.get(value)!;
    // Factors and summands of channels are few, and as exact as those that convolutions took in.
    const scales = nodes.filter(({ operator }) => operator === "scaleChannels");
    const exact = new Set(scales.flatMap(({ inputs }) => inputs.slice(1)));
    for (const [value, { dtype, shape, data }] of initialisers) {
      using constant = keep(dtype === "float32" ? viewOf(data, shape) : tensor(data, shape, { dtype }));
      native().planConstant(this.#handle, at(value), constant.handle, exact.has(value));
    }
    for (const { operator, inputs, output, attributes } of nodes) {
      const told = { ...attributes, inputSize: shapes.get(inputs[0]) };
      native().planAdd(this.#handle, operator, inputs.map(at), at(output), told);
    }
    native().planFinish(this.#handle, at(name), at([...outputs.values()][0]));
  }
}

/** What bytes become, `[c, 256]`. */
function tableOf(table: Float32Array): Tensor {
  return tensor(table, [table.length / 256, 256]);
}

/** What the compute thread makes. */
async function computed(promise: unknown): Promise<Tensor> {
  try {
    return new Tensor((await promise) as Handle);
  } catch (cause) {
    throw (cause as NodeJS.ErrnoException).code === "ERR_NOT_FINITE" ? notFinite(cause) : cause;
  }
}
