import { availableParallelism } from "node:os";
import type { OnnxSession } from "@pspnet/core";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { computing, type Rest } from "./restAtExit.js";

export interface SessionOptions {
  /** Compute threads; 0: one per core. */
  readonly threads: number;
  readonly rest: Rest;
}

/** A model on onnxruntime-node, which blocks its thread while it computes. */
export async function openOnnxSession(model: Uint8Array, { threads, rest }: SessionOptions): Promise<OnnxSession> {
  // Left to itself onnxruntime takes a thread per physical core, and half of a machine that counts otherwise.
  const options = { intraOpNumThreads: threads > 0 ? threads : availableParallelism() };
  const session = await computing(rest, () => InferenceSession.create(model, options));
  return {
    run: ({ data, dims }, outputs) =>
      computing(rest, () => session.run({ image: new Tensor("float32", data, dims) }, outputs)),
    release: () => session.release(),
  };
}
