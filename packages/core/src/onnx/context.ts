import { toFloat32 } from "@pspnet/checkpoints";
import type { Dim } from "../graph/dim.js";
import { byteValues, type Graph } from "../graph/graph.js";
import { inferShapes } from "../graph/shapes.js";
import type { FloatType } from "../weights/elements.js";
import { OnnxBuilder } from "./builder.js";
import type { OnnxValue } from "./proto.js";

/** A size along one dimension: a number, or the name of a float32 value without dimensions that holds it at run time. */
export type Side = number | string;

export interface LoweringOptions {
  readonly dtype: FloatType;
  readonly builder?: OnnxBuilder;
  readonly winograd?: boolean;
}

/** A graph on its way to ONNX. */
export class LoweringContext {
  /** What the model is computed in. */
  readonly dtype: FloatType;
  readonly builder: OnnxBuilder;
  /** Whether 3x3 convolutions are said by tiles where that pays. */
  readonly winograd: boolean;
  /** What nodes give, with their shapes. */
  readonly values: OnnxValue[] = [];
  readonly #shapes: ReadonlyMap<string, readonly Dim[]>;
  readonly #inBytes: ReadonlySet<string>;
  readonly #sides = new Map<string, string>();

  constructor(
    readonly graph: Graph,
    { dtype, builder = new OnnxBuilder(), winograd = false }: LoweringOptions,
  ) {
    this.dtype = dtype;
    this.winograd = winograd;
    this.builder = builder;
    this.#shapes = inferShapes(graph);
    this.#inBytes = byteValues(graph);
  }

  shapeOf(value: string): readonly Dim[] {
    return this.#shapes.get(value)!;
  }

  /** Tells runtimes that `name` has the shape of the graph's value `like`: they cannot see by themselves that two sizes are one. */
  declare(name: string, like: string): void {
    const dtype = this.#inBytes.has(name) ? "uint8" : this.dtype;
    this.values.push({ name, dtype, shape: this.shapeOf(like) });
  }

  /** The ONNX name of a value that a node reads; adds it when it is one of the graph's constants. */
  input(value: string): string {
    return this.graph.initialisers.has(value) ? this.constant(value, value) : value;
  }

  /** Adds one of the graph's constants under the name `name`, in the shape `as`. */
  constant(value: string, name: string, as?: readonly number[]): string {
    const { dtype, shape, data } = this.graph.initialisers.get(value)!;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    const floats = dtype === "float32" ? data : toFloat32(bytes, dtype);
    return this.builder.floats(name, floats, { shape: as ?? shape, dtype: this.dtype });
  }

  /** The size of `value` along dimension `dim`. */
  side(value: string, dim: number): Side {
    const size = this.shapeOf(value)[dim];
    if (typeof size === "number") return size;
    return this.#once(`${value}.size_${dim}`, (output) =>
      this.builder.cast(this.#gathered(value, this.builder.integers(dim), `${output}.integer`), "float32", output),
    );
  }

  /** Height and width of a value. */
  sides(value: string): [Side, Side] {
    return [this.side(value, 2), this.side(value, 3)];
  }

  /** One of them as a list of one int64, of a size that is known only at run time. */
  sideList(value: string, dim: number): string {
    return this.#once(`${value}.list_${dim}`, (output) => this.#gathered(value, this.builder.integers([dim]), output));
  }

  #gathered(value: string, index: string, output: string): string {
    const shape = this.#once(`${value}.shape`, (name) => this.builder.node("Shape", [value], { output: name }));
    return this.builder.node("Gather", [shape, index], { output });
  }

  #once(name: string, make: (name: string) => string): string {
    const known = this.#sides.get(name);
    if (known !== undefined) return known;
    this.#sides.set(name, name);
    return make(name);
  }
}
