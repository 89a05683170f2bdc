import type { Place } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { asRank } from "../ranks/asRank.js";
import { type TrainOptions, type TrainResult, train } from "./train.js";

/** Of a run that lost a rank. */
export const KEPT = "what was saved before is kept, go on with resume=true";

/**
 * Trains as one of the ranks that a launcher started, each with its share of every batch.
 *
 * @throws PspnetError as `train`; "environment" where ranks do not come, or are lost on the way, which are named.
 */
export function trainAsRank(
  config: TrainConfig,
  place: Place,
  options: Omit<TrainOptions, "world">,
): Promise<TrainResult> {
  return asRank(place, { ...config, kept: KEPT }, (world) => train(config, { ...options, world }));
}
