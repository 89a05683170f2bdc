import type { DType } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import type { ProcessGroup } from "./processGroup.js";
import type { Tensor } from "./tensor.js";

export interface GradientReducerOptions {
  /** Bytes of gradients that are sent together, at least; PyTorch's 25 MiB when it is left out. */
  readonly bucketBytes?: number;
  /** How gradients go over the wire: bfloat16 is half the bytes, and rounds what each rank sends and their sums. */
  readonly wire?: DType;
}

/**
 * Adds up the gradients of parameters over all ranks of a group while backward still computes others (Li et al., "PyTorch Distributed",
 * VLDB 2020). Parameters lie in buckets, the last first, as backward reaches them; a bucket is sent once all its gradients are there.
 */
export class GradientReducer {
  readonly #handle: Handle;

  constructor(group: ProcessGroup, parameters: readonly Tensor[], options: GradientReducerOptions = {}) {
    const { bucketBytes = 25 * 2 ** 20, wire = "float32" } = options;
    const handles = parameters.map(({ handle }) => handle);
    this.#handle = native().reducerCreate(group.handle, handles, bucketBytes, wire) as Handle;
  }

  /** The next backward is the last of this step. Without it gradients are sent by `finish` alone. */
  begin(): void {
    native().reducerBegin(this.#handle);
  }

  /** Resolves when every gradient is the sum over all ranks; one that a rank has not counts as zeros. */
  async finish(): Promise<void> {
    await native().reducerFinish(this.#handle);
  }

  dispose(): void {
    native().reducerDispose(this.#handle);
  }
}
