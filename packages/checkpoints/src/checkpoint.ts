import type { State } from "./tensor.js";

/** A file of weights as it was given. */
export interface CheckpointFile {
  /** For messages, and where one file names another. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What a file of weights says, whatever its format. */
export interface Checkpoint {
  /** What the file is, for people: `torch.save`, `HDF5` ... */
  readonly format: string;
  /** The weights by name; their values are made when they are asked for. */
  readonly state: State;
  /** Tensors beside the weights by their path in the file: an optimiser's moments, running averages. */
  readonly beside: State;
  /** What else it says, as plain values. */
  readonly metadata: Readonly<Record<string, unknown>>;
}
