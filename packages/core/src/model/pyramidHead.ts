import { BatchNorm2d, Conv2d, Dropout2d, ReLU, Sequential } from "../nn/layers.js";
import type { Tensor } from "../tensor/tensor.js";
import type { PSPNetConfig } from "./config.js";
import { pyramidConvolution } from "./pyramidConvolution.js";
import type { PyramidPooling } from "./pyramidPooling.js";

/** The prediction from the pyramid's output (`cls` in the official release): a 3x3 convolution and the classifier. */
export class PyramidHead extends Sequential {
  readonly #convolution: Conv2d;
  readonly #classifier: Sequential;

  constructor(input: number, { headChannels, classes, dropout, bnEps, bnMomentum }: PSPNetConfig) {
    const convolution = new Conv2d([input, headChannels], { kernel: 3, padding: 1 }); // 42 % of the multiply-adds of PSPNet-50
    const classifier = [
      new BatchNorm2d(headChannels, { eps: bnEps, momentum: bnMomentum }),
      new ReLU(),
      new Dropout2d(dropout),
      new Conv2d([headChannels, classes], { kernel: 1, bias: true }),
    ];
    super(convolution, ...classifier);
    this.#convolution = convolution;
    this.#classifier = new Sequential(...classifier);
  }

  /** What `forward(ppm.forward(x))` gives, without the concatenation: {@link pyramidConvolution}. */
  forwardFactorised<T extends Tensor>(x: T, ppm: PyramidPooling): T {
    const weight = this.#convolution.weight.as<T>();
    const y = x.scope(() => pyramidConvolution(x, { levels: ppm.levels(x), weight, alignCorners: ppm.alignCorners }));
    return this.#classifier.forward(y);
  }
}
