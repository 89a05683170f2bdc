import type { DType } from "@pspnet/core";
import { type Handle, native } from "./binding.js";
import type { ProcessGroup } from "./processGroup.js";
import { Tensor } from "./tensor.js";

export interface GradientReducerOptions {
  /** Bytes of gradients that are sent together, at least; PyTorch's 25 MiB when it is left out. */
  readonly bucketBytes?: number;
  /** How gradients go over the wire: bfloat16 is half the bytes, and rounds what each rank sends and their sums. */
  readonly wire?: DType;
}

/** How the gradients of a step went. Seconds since `begin`. */
export interface GradientTimings {
  /** Of each bucket: its bytes as they go over the wire, when it was sent, and when all ranks' were added up. */
  readonly buckets: readonly { readonly bytes: number; readonly sent: number; readonly done: number }[];
  /** When `finish` was called: backward had ended. */
  readonly computed: number;
  /** When every gradient was in place. */
  readonly finished: number;
}

/**
 * Seconds in which at least one bucket was on its way, and how many of them backward went on meanwhile: those cost nothing where a
 * processor has cores to spare.
 */
export function gradientOverlap({ buckets, computed }: Pick<GradientTimings, "buckets" | "computed">): {
  readonly sending: number;
  readonly overlapped: number;
} {
  let [sending, overlapped, until] = [0, 0, Number.NEGATIVE_INFINITY];
  for (const { sent, done } of [...buckets].sort((a, b) => a.sent - b.sent)) {
    const begin = Math.max(sent, until);
    sending += Math.max(0, done - begin);
    overlapped += Math.max(0, Math.min(done, computed) - begin);
    until = Math.max(until, done);
  }
  return { sending, overlapped };
}

/**
 * Adds up the gradients of parameters over all ranks of a group while backward still computes others (Li et al., "PyTorch Distributed",
 * VLDB 2020). Parameters lie in buckets, the last first, as backward reaches them; a bucket is sent once all its gradients are there.
 */
export class GradientReducer {
  readonly #handle: Handle;
  #timings: GradientTimings | null = null;

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
    using rows = new Tensor((await native().reducerFinish(this.#handle)) as Handle);
    this.#timings = timingsOf(rows.toNumbers());
  }

  /** Of the step that `finish` ended last; null before the first. */
  get timings(): GradientTimings | null {
    return this.#timings;
  }

  dispose(): void {
    native().reducerDispose(this.#handle);
  }
}

function timingsOf([computed, finished, ...rest]: readonly number[]): GradientTimings {
  const buckets = Array.from({ length: rest.length / 3 }, (_, i) => {
    const [bytes, sent, done] = rest.slice(3 * i, 3 * i + 3);
    return { bytes, sent, done };
  });
  return { buckets, computed, finished };
}
