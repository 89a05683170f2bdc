import { kind } from "../config/kind.js";
import { pyramidConvolution } from "../pyramid/pyramidConvolution.js";
import type { PyramidPooling } from "../pyramid/pyramidPooling.js";
import type { Tensor } from "../tensor/tensor.js";
import { ConvolutionHead, convolutionFields, type HeadContext } from "./convolutionHead.js";

/** The prediction from features and pyramid (`cls` in the official release). Its convolution is 42 % of PSPNet-50's multiply-adds. */
export class PyramidHead extends ConvolutionHead {
  /** What `forward(pyramid.forward(x))` gives, without the concatenation: {@link pyramidConvolution}. */
  predict<T extends Tensor>(x: T, pyramid: PyramidPooling | null): T {
    if (pyramid === null) return this.forward(x);
    const weight = this.convolution.weight.as<T>();
    const { alignCorners } = pyramid;
    const y = x.scope(() => pyramidConvolution(x, { levels: pyramid.levels(x), weight, alignCorners }));
    return this.classifier.forward(y);
  }
}

export const pyramidHead = kind({
  name: "conv3x3",
  fields: convolutionFields({ channels: 512 }),
  create: (config, context: HeadContext) => new PyramidHead(config, context),
});
