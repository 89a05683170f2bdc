import type { PSPNet, State } from "@pspnet/core";
import type { SGD } from "@pspnet/torch";
import type { TrainConfig } from "../config/schema.js";
import { segmentationLoss } from "./loss.js";
import { createNetwork, type NetworkOptions } from "./network.js";
import { createOptimiser } from "./optimiser.js";
import { type Extent, setScheduledRate } from "./schedule.js";
import { trainStep } from "./step.js";

/** What is trained, and how: the parts of the loop that may be others. */
export interface Recipe {
  /** The network with its first weights. */
  network(config: TrainConfig, options: NetworkOptions): PSPNet | Promise<PSPNet>;
  /** `momentum` is what a checkpoint kept, by parameter. */
  optimiser(model: PSPNet, config: TrainConfig, options: { readonly momentum?: State }): SGD;
  /** Sets the optimiser's learning rates for the step that comes after `extent`; returns the one that is logged. */
  schedule(optimiser: SGD, extent: Extent, config: TrainConfig): number;
  /** The mean over the labelled pixels; `labels` is uint8 `[n, H, W]`. */
  readonly loss: typeof segmentationLoss;
  /** Forward, loss, backward and one step of the optimiser. Returns the loss of the whole batch, of all ranks. */
  readonly step: typeof trainStep;
}

/** That of the paper and of the official release. */
export const officialRecipe: Recipe = {
  network: createNetwork,
  optimiser: createOptimiser,
  schedule: setScheduledRate,
  loss: segmentationLoss,
  step: trainStep,
};
