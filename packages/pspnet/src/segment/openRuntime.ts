import { type PredictionPrecision, PspnetError, type Runtime, type RuntimeName } from "@pspnet/core";
import { version } from "@pspnet/torch";
import type { EngineOptions } from "./engine.js";
import { openOnnxRuntime } from "./onnxRuntime.js";
import type { WeightsFile } from "./readWeights.js";
import { openTorchSegmenter } from "./torchSegmenter.js";

export interface PredictionOptions extends Omit<EngineOptions, "precision"> {
  /** int8 with weights that `pspnet quantise` made, on a processor. */
  readonly precision: "auto" | PredictionPrecision;
  /**
   * Whether every process on one kind of processor gives the same logits on any number of threads, in float32 as far as oneDNN's sums allow.
   * Otherwise logits may differ by rounding.
   */
  readonly reproducible?: boolean;
}

export interface RuntimeOptions extends PredictionOptions {
  /** "auto": libtorch where its addon loads, else onnxruntime-node. */
  readonly runtime: "auto" | RuntimeName;
}

/** @throws PspnetError "environment" naming what is missing and the commands that mend it. */
export async function openRuntime(weights: WeightsFile, { runtime, ...options }: RuntimeOptions): Promise<Runtime> {
  if (runtime === "torch") return openTorchSegmenter(weights, options);
  if (runtime === "onnx") return openOnnxRuntime(weights, options);
  const problem = libtorchProblem();
  if (problem === null) return openTorchSegmenter(weights, options);
  try {
    return await openOnnxRuntime(weights, options);
  } catch (cause) {
    if (!(cause instanceof PspnetError) || cause.code !== "environment") throw cause;
    throw new PspnetError(
      "environment",
      `expected libtorch or onnxruntime-node to run the network, found neither; either will do:\n${cause.message}\n${problem}`,
      { cause },
    );
  }
}

/** Why libtorch cannot be used, and what mends it; null when it can. */
export function libtorchProblem(): string | null {
  try {
    version();
    return null;
  } catch (error) {
    if (error instanceof PspnetError && error.code === "environment") return error.message;
    throw error;
  }
}
