import { PspnetError } from "@pspnet/core";
import { isCollectiveFailure, type Place } from "@pspnet/torch";
import { seconds } from "../config/duration.js";
import type { TrainConfig } from "../config/schema.js";
import { libtorchProblem } from "../segment/openRuntime.js";
import { ProcessWorld } from "./processWorld.js";
import { rankDevice } from "./rankDevice.js";

export interface AsRankOptions {
  /** How long ranks wait for each other, such as `10m`. */
  readonly timeout: string;
  /** What it computes on. A rank has a GPU of its own: `World.device`. */
  readonly device: TrainConfig["device"];
  /** Whether ranks exchange gradients, which go between GPUs; other work has little to tell. */
  readonly gradients?: boolean;
  /** What stands when a rank is lost, for the error. */
  readonly kept: string;
}

/**
 * Does `work` as one of the ranks that a launcher started.
 *
 * @throws what `work` does; PspnetError "environment" where ranks do not come, or are lost on the way, which are named, and where
 * there is no libtorch.
 */
export async function asRank<R>(
  place: Place,
  { timeout, device, gradients: nccl = false, kept }: AsRankOptions,
  work: (world: ProcessWorld) => Promise<R>,
): Promise<R> {
  const problem = libtorchProblem();
  if (problem !== null)
    throw new PspnetError("environment", `several ranks meet by libtorch, whatever the network runs on: ${problem}`);
  const own = rankDevice(device, place);
  const world = await ProcessWorld.join(place, { timeout: seconds(timeout), device: own, nccl });
  try {
    return await work(world);
  } catch (error) {
    if (!isCollectiveFailure(error)) throw error;
    const lost = await world.lost();
    const who = lost.length > 0 ? `lost rank ${lost.join(", ")}: gone, or silent for ${timeout}` : "lost the others";
    throw new PspnetError("environment", `rank ${place.rank} ${who}; ${kept}`, { cause: error });
  } finally {
    world.close();
  }
}
