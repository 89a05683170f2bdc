import { fromBuffer, type Tensor } from "@pspnet/torch";
import type { Device } from "../segment/engine.js";

/** Adds up the gradients of parameters over all ranks. */
export interface GradientSum {
  /** The next backward is the last of this step: what it completes may be sent while it goes on. */
  begin(): void;
  /** Resolves when every gradient is the sum over all ranks. */
  finish(): Promise<void>;
  dispose(): void;
}

export interface GradientSumOptions {
  /** Precision that gradients are sent in. */
  readonly wire: "fp32" | "bf16";
  /** MiB of gradients that are sent together, at least. */
  readonly bucket: number;
}

/** The processes that train one network together; each is a rank. */
export interface World {
  /** This process, from 0. The first one writes the run's folder and the live line. */
  readonly rank: number;
  readonly size: number;
  /** Where this process computes; as configured when it is left out. */
  readonly device?: Device;
  /** Adds up, in place and on every rank, what each holds. All ranks call it in the same order, with tensors of one shape. */
  sum(values: Tensor): Promise<void>;
  /** Resolves when every rank has come here. */
  barrier(): Promise<void>;
  gradients(parameters: readonly Tensor[], options: GradientSumOptions): GradientSum;
  /** What this rank has spent on the others in training so far, in words; nothing of one alone. */
  readonly spent?: string;
  /**
   * Runs a forward pass on this rank's samples of a batch that all ranks share: with `syncBn`, batch norm's statistics are those of the
   * whole batch; dropout is.
   */
  sharing<R>(work: () => R, options: { readonly syncBn: boolean }): R;
}

const nothing: GradientSum = { begin() {}, async finish() {}, dispose() {} };

/** One process. */
export const alone: World = {
  rank: 0,
  size: 1,
  sum: async () => {},
  barrier: async () => {},
  gradients: () => nothing,
  sharing: (work) => work(),
};

/** Adds up numbers over all ranks, in place. */
export async function sumNumbers(world: World, values: Float64Array): Promise<Float64Array> {
  using view = fromBuffer(values, [values.length]);
  await world.sum(view);
  return values;
}
