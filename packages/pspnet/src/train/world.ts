import { fromBuffer, type Tensor } from "@pspnet/torch";

/** The processes that train one network together; each is a rank. */
export interface World {
  /** This process, from 0. The first one writes the run's folder and the live line. */
  readonly rank: number;
  readonly size: number;
  /** Adds up, in place and on every rank, what each holds. All ranks call it in the same order, with tensors of one shape. */
  sum(values: Tensor): Promise<void>;
  /** Resolves when every rank has come here. */
  barrier(): Promise<void>;
}

/** One process. */
export const alone: World = { rank: 0, size: 1, sum: async () => {}, barrier: async () => {} };

/** Adds up numbers over all ranks, in place. */
export async function sumNumbers(world: World, values: Float64Array): Promise<Float64Array> {
  using view = fromBuffer(values, [values.length]);
  await world.sum(view);
  return values;
}
