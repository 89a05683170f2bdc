import { readSafetensors, type State } from "@pspnet/checkpoints";
import { PspnetError } from "../error.js";
import { graphBackend } from "../graph/trace.js";
import { PSPNet } from "../model/pspnet.js";
import { loadStateDict } from "../nn/state.js";
import { realWeights } from "../quantise/quantisedWeights.js";
import { checkFinite } from "./checkFinite.js";
import { type ModelDescription, parseDescription } from "./modelFile.js";

/** What a weights file holds. */
export interface Weights {
  /** The file's path, for messages; "weights" for bytes. */
  readonly source: string;
  readonly bytes: Uint8Array;
  readonly description: ModelDescription;
  /** Of the bytes; whole numbers times their scales. */
  readonly state: State;
}

/**
 * The weights of a file's bytes.
 *
 * @throws PspnetError "format" or "weights" for ones that do not hold a PSPNet, or numbers that are not finite.
 */
export function parseWeights(bytes: Uint8Array, { source = "weights" }: { readonly source?: string } = {}): Weights {
  return naming(source, () => {
    const { metadata, tensors } = readSafetensors(bytes);
    const description = parseDescription(metadata, { source });
    const state = realWeights(tensors);
    checkShapes(description, state);
    checkFinite(tensors);
    return { source, bytes, description, state };
  });
}

/** Whether every tensor is there and of the right shape, without looking at values. */
function checkShapes({ config }: ModelDescription, state: State): void {
  const none = new Float32Array();
  const shapes = [...state].map(([name, tensor]) => [name, { ...tensor, float32: () => none }] as const);
  loadStateDict(new PSPNet(config), new Map(shapes), { backend: graphBackend });
}

/** Puts the file's name before what is wrong with it. */
function naming<R>(source: string, work: () => R): R {
  try {
    return work();
  } catch (cause) {
    if (!(cause instanceof PspnetError) || cause.message.startsWith(source)) throw cause;
    throw new PspnetError(cause.code, `${source}: ${cause.message}`, { cause });
  }
}
