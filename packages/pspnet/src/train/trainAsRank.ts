import { PspnetError } from "@pspnet/core";
import { isCollectiveFailure, type Place } from "@pspnet/torch";
import { seconds, type TrainConfig } from "../config/schema.js";
import { ProcessWorld } from "./processWorld.js";
import { rankDevice } from "./rankDevice.js";
import { type TrainOptions, type TrainResult, train } from "./train.js";

/** Of a run that lost a rank. */
export const KEPT = "what was saved before is kept, go on with resume=true";

/**
 * Trains as one of the ranks that a launcher started, each with its share of every batch.
 *
 * @throws PspnetError as `train`; "environment" where ranks do not come, or are lost on the way, which are named.
 */
export async function trainAsRank(
  config: TrainConfig,
  place: Place,
  options: Omit<TrainOptions, "world">,
): Promise<TrainResult> {
  const device = rankDevice(config.device, place);
  const world = await ProcessWorld.join(place, { timeout: seconds(config.timeout), device });
  try {
    return await train(config, { ...options, world });
  } catch (error) {
    if (!isCollectiveFailure(error)) throw error;
    const lost = await world.lost();
    const who =
      lost.length > 0 ? `lost rank ${lost.join(", ")}: gone, or silent for ${config.timeout}` : "lost the others";
    throw new PspnetError("environment", `rank ${place.rank} ${who}; ${KEPT}`, { cause: error });
  } finally {
    world.close();
  }
}
