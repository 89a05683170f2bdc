import { BatchNorm2d, Conv2d, Dropout2d, ReLU, Sequential } from "../nn/layers.js";
import { type PSPNetConfig, stageChannels } from "./config.js";

/**
 * The auxiliary classifier on the third stage (paper, section 3.3 and figure 4; `aux` in the official release): it helps
 * the optimisation, weighted 0.4 in the loss, and is left out of predictions.
 */
export class AuxiliaryHead extends Sequential {
  constructor(config: PSPNetConfig) {
    const { auxChannels, classes, dropout, bnEps, bnMomentum } = config;
    super(
      new Conv2d([stageChannels(config)[2], auxChannels], { kernel: 3, padding: 1 }),
      new BatchNorm2d(auxChannels, { eps: bnEps, momentum: bnMomentum }),
      new ReLU(),
      new Dropout2d(dropout),
      new Conv2d([auxChannels, classes], { kernel: 1, bias: true }),
    );
  }
}
