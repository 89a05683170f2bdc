import { PspnetError } from "@pspnet/core";
import { cudaAvailable, cudaProblem, fastBfloat16, setNumThreads } from "@pspnet/torch";

export interface EngineOptions {
  readonly device: "auto" | "cpu" | "cuda";
  readonly precision: "auto" | "bf16" | "fp32";
  /** Compute threads; 0: one per core. */
  readonly threads?: number;
}

/** Where the network computes, and in what arithmetic. */
export interface Engine {
  readonly device: "cpu" | "cuda";
  readonly bf16: boolean;
}

/**
 * Settles "auto": the GPU when there is one, and bf16 only where the machine is fast at it.
 *
 * @throws PspnetError "environment" when a device is asked for that is not there.
 */
export function openEngine({ device, precision, threads = 0 }: EngineOptions): Engine {
  if (device === "cuda" && !cudaAvailable()) {
    throw new PspnetError(
      "environment",
      `device=cuda: ${cudaProblem()}; use device=cpu, or give a CUDA build of libtorch by LIBTORCH`,
    );
  }
  if (threads > 0) setNumThreads(threads);
  const chosen = device === "auto" ? (cudaAvailable() ? "cuda" : "cpu") : device;
  const bf16 = precision === "auto" ? chosen === "cuda" || fastBfloat16() : precision === "bf16";
  return { device: chosen, bf16 };
}
