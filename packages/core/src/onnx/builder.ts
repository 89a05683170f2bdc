import { elements, type FloatType } from "../weights/elements.js";
import { type Attribute, type OnnxNode, type OnnxTensor, type OnnxType, TYPE_NUMBER } from "./proto.js";

export interface NodeOptions {
  readonly attributes?: Readonly<Record<string, Attribute>>;
  /** Name of the result, and of the node. */
  readonly output: string;
}

/** Collects the nodes and constants of an ONNX graph. Values are known by their names. */
export class OnnxBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly #tensors = new Map<string, OnnxTensor>();

  get tensors(): OnnxTensor[] {
    return [...this.#tensors.values()];
  }

  /** Adds a node; gives the name of its result. */
  node(operator: string, inputs: readonly string[], { attributes = {}, output }: NodeOptions): string {
    this.nodes.push({ name: output, operator, inputs, output, attributes });
    return output;
  }

  cast(value: string, dtype: OnnxType, output: string): string {
    return this.node("Cast", [value], { attributes: { to: TYPE_NUMBER[dtype] }, output });
  }

  /**
   * Adds a constant of real numbers unless one of that name is there; gives its name.
   *
   * @throws PspnetError "weights" for a number beyond float16 in one of that type.
   */
  floats(
    name: string,
    data: Float32Array,
    { shape, dtype = "float32" }: { readonly shape: readonly number[]; readonly dtype?: FloatType },
  ): string {
    if (this.#tensors.has(name)) return name;
    this.#tensors.set(name, { name, dtype, shape, bytes: elements(name, data, dtype) });
    return name;
  }

  /** Adds a constant of whole numbers unless one of that name is there; gives its name. */
  wholes(name: string, data: Uint8Array | Int8Array | Int32Array, shape: readonly number[]): string {
    if (this.#tensors.has(name)) return name;
    const dtype = data instanceof Uint8Array ? "uint8" : data instanceof Int8Array ? "int8" : "int32";
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.#tensors.set(name, { name, dtype, shape, bytes });
    return name;
  }

  /** A real number as a constant without dimensions. */
  scalar(value: number, dtype: FloatType = "float32"): string {
    const name = dtype === "float32" ? `number_${value}` : `number_${value}_${dtype}`;
    return this.floats(name, Float32Array.of(value), { shape: [], dtype });
  }

  /** A constant list of whole numbers, or one number without dimensions. */
  integers(values: readonly number[] | number): string {
    const isList = typeof values !== "number";
    const list = isList ? values : [values];
    const name = isList ? `integers_${list.join("_")}` : `integer_${values}`;
    if (!this.#tensors.has(name)) {
      const bytes = new Uint8Array(BigInt64Array.from(list, BigInt).buffer);
      this.#tensors.set(name, { name, dtype: "int64", shape: isList ? [list.length] : [], bytes });
    }
    return name;
  }
}
