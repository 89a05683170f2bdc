import type { Tensor as CoreTensor, DType, InterpolateOptions } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import { functions, type MemoryFormat, Operations } from "./operations.generated.js";
import { own, scope } from "./scope.js";

/** What `toArray` gives: Float32Array for float types up to 32 bits, BigInt64Array for int64, Uint8Array for uint8 and bool. */
export type TensorArray = Float32Array | Float64Array | BigInt64Array | Uint8Array;

/**
 * A libtorch tensor. The operations are methods with PyTorch's names in camelCase and PyTorch's semantics; shape errors and the like
 * are Errors that name the operation and its operands' types and shapes.
 *
 * Memory: freed by {@link dispose}, by the end of the {@link scope} it was made in, by `using`, or by the garbage collector.
 */
export class Tensor extends Operations implements CoreTensor {
  #shape: readonly number[] | undefined;
  #dtype: DType | undefined;

  /** @internal */
  constructor(readonly handle: Handle) {
    super();
    own(this);
  }

  protected override wrap(handle: Handle): this {
    return new Tensor(handle) as this;
  }

  /** {@link scope}, for code that is written against core's `Tensor`. */
  scope<R>(work: () => R): R {
    return scope(work);
  }

  get shape(): readonly number[] {
    this.#shape ??= native().shape(this.handle) as number[];
    return this.#shape;
  }

  get dtype(): DType {
    this.#dtype ??= native().dtype(this.handle) as DType;
    return this.#dtype;
  }

  /** `cpu` or `cuda:0`. */
  get device(): string {
    return native().device(this.handle) as string;
  }

  /** Number of elements. */
  get length(): number {
    return this.shape.reduce((product, size) => product * size, 1);
  }

  /** Whether the elements lie in memory in that order without gaps. */
  isContiguous(memoryFormat: MemoryFormat = "contiguous"): boolean {
    return native().isContiguous(this.handle, memoryFormat) as boolean;
  }

  /** Bilinear resize to `size` = `[h, w]`. */
  resize(size: readonly [number, number], options: InterpolateOptions): this {
    return this.upsampleBilinear2d(size, options);
  }

  /** Bilinear resize to `factor` times height and width. */
  resizeBy(factor: number, options: InterpolateOptions): this {
    const [h, w] = this.shape.slice(-2);
    return this.upsampleBilinear2d([factor * h, factor * w], options);
  }

  /** Bilinear resize to the height and width of `like`. */
  resizeLike(like: this, options: InterpolateOptions): this {
    const [h, w] = like.shape.slice(-2);
    return this.upsampleBilinear2d([h, w], options);
  }

  /** Whether operations on this tensor are recorded for {@link backward}. */
  get requiresGrad(): boolean {
    return native().requiresGrad(this.handle) as boolean;
  }

  set requiresGrad(value: boolean) {
    native().setRequiresGrad(this.handle, value);
  }

  /** The gradient that {@link backward} has added up here, or null. */
  get grad(): Tensor | null {
    const handle = native().grad(this.handle) as Handle | undefined;
    return handle === undefined ? null : new Tensor(handle);
  }

  set grad(value: Tensor | null) {
    native().setGrad(this.handle, value?.handle);
  }

  /**
   * Adds the gradient of this tensor, usually a loss, to `grad` of every leaf that requires one.
   * `gradient` is needed when this is not a single number.
   */
  backward(gradient?: Tensor, options: { readonly retainGraph?: boolean } = {}): void {
    native().backward(this.handle, gradient?.handle, options.retainGraph);
  }

  /** The number in a tensor of one element; a bool gives 0 or 1. */
  item(): number {
    return native().item(this.handle) as number;
  }

  /** A copy of the elements in row-major order. */
  toArray(): TensorArray {
    return native().toArray(this.handle) as TensorArray;
  }

  /** The elements in row-major order as plain numbers. */
  toNumbers(): number[] {
    return Array.from(this.toArray() as ArrayLike<number | bigint>, Number);
  }

  /** Writes the elements in row-major order into `target`, which must have room for just these. Returns it. */
  copyInto<A extends TensorArray>(target: A): A {
    native().copyInto(this.handle, target);
    return target;
  }

  /** Frees the memory now; using the tensor afterwards is an Error. Twice does no harm. */
  dispose(): void {
    native().dispose(this.handle);
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** @internal The garbage collector learns how much memory hangs on this. */
  escape(): void {
    native().reportMemory(this.handle);
  }
}

const made = functions((handle) => new Tensor(handle));

export const { zeros, ones, full, empty, rand, randn, randint, arange, stack } = made;

/**
 * {@link Tensor.backward} of several tensors at once, each with its gradient. What is reached from more than one of them gets its whole
 * gradient before it passes it on.
 */
export function backward(tensors: readonly Tensor[], gradients: readonly Tensor[]): void {
  const handles = (list: readonly Tensor[]) => list.map(({ handle }) => handle);
  native().backwardFrom(handles(tensors), handles(gradients));
}
