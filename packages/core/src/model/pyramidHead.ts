import { BatchNorm2d, Conv2d, Dropout2d, ReLU, Sequential } from "../nn/layers.js";
import type { PSPNetConfig } from "./config.js";

/** The prediction from the pyramid's output (`cls` in the official release): a 3x3 convolution and the classifier. */
export class PyramidHead extends Sequential {
  constructor(input: number, { headChannels, classes, dropout, bnEps, bnMomentum }: PSPNetConfig) {
    super(
      new Conv2d([input, headChannels], { kernel: 3, padding: 1 }), // 42 % of the multiply-adds of PSPNet-50
      new BatchNorm2d(headChannels, { eps: bnEps, momentum: bnMomentum }),
      new ReLU(),
      new Dropout2d(dropout),
      new Conv2d([headChannels, classes], { kernel: 1, bias: true }),
    );
  }
}
