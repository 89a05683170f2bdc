import { PspnetError } from "@pspnet/core";
import { cudaProblem, gpuCount, type Place } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";

/**
 * Where a rank computes: on a GPU of its own, by its place on the machine, or on the processor, if that is configured or, of "auto", if there
 * are not GPUs for all.
 *
 * @param gpus that this process sees.
 * @throws PspnetError "environment" for device=cuda without a GPU for each rank.
 */
export function rankDevice(
  device: TrainConfig["device"],
  { localRank, localSize }: Pick<Place, "localRank" | "localSize">,
  gpus = device === "cpu" ? 0 : gpuCount(),
): "cpu" | `cuda:${number}` {
  // A launcher may show each process its own GPU alone.
  if (gpus > 0 && gpus >= (localSize ?? 1)) return `cuda:${localRank % gpus}`;
  if (device !== "cuda") return "cpu";
  if (gpus === 0) throw noGpu("device=cuda");
  throw new PspnetError(
    "environment",
    `device=cuda: expected a GPU for each of ${localSize} ranks, found ${gpus}; take ranks=gpus, or device=cpu`,
  );
}

/** How many; of ranks=gpus as many as there are GPUs. */
export function countRanks(ranks: TrainConfig["ranks"]): number {
  if (ranks !== "gpus") return ranks;
  const gpus = gpuCount();
  if (gpus === 0) throw noGpu("ranks=gpus");
  return gpus;
}

function noGpu(key: string): PspnetError {
  const mend = "take device=cpu and a number of ranks, or give a CUDA build of libtorch by LIBTORCH";
  return new PspnetError("environment", `${key}: expected a GPU, found none: ${cudaProblem()}; ${mend}`);
}
