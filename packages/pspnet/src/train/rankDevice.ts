import { PspnetError } from "@pspnet/core";
import { cudaProblem, gpuCount, type Place } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";

/**
 * Where a rank computes: on the GPU that it has by its place on the machine, or, as configured or where there is none, on the processor.
 *
 * @throws PspnetError "environment" for device=cuda without a GPU.
 */
export function rankDevice(
  device: TrainConfig["device"],
  { localRank }: Pick<Place, "localRank">,
): "cpu" | `cuda:${number}` {
  const gpus = device === "cpu" ? 0 : gpuCount();
  // A launcher may show each process its own GPU alone.
  if (gpus > 0) return `cuda:${localRank % gpus}`;
  if (device === "cuda") throw noGpu("device=cuda");
  return "cpu";
}

/** For `ranks=gpus`. */
export function ranksOnGpus(): number {
  const gpus = gpuCount();
  if (gpus === 0) throw noGpu("ranks=gpus");
  return gpus;
}

function noGpu(key: string): PspnetError {
  const mend = "use device=cpu and a number of ranks, or give a CUDA build of libtorch by LIBTORCH";
  return new PspnetError("environment", `${key}: expected a GPU, found none: ${cudaProblem()}; ${mend}`);
}
