import { counts, oneOf, type ValuesOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { AvgPool2d, Sequential } from "../nn/layers.js";
import { ALIGN_CORNERS, type AlignCorners } from "../tensor/alignCorners.js";
import type { Tensor } from "../tensor/tensor.js";
import { Pyramid, type PyramidContext } from "./pyramid.js";
import { levelChannels, levelFields, pyramidLevel } from "./pyramidLevel.js";

const fields = {
  factors: counts({
    default: [1, 2, 3, 6],
    meaning: "side of the squares of features that a level averages; 1 is all",
  }),
  ...levelFields,
  alignCorners: oneOf(ALIGN_CORNERS, {
    default: true,
    meaning:
      "whether levels are enlarged from corner to corner; asymmetric, from their upper left corners, as TensorFlow 1",
  }),
};

/**
 * Levels that are smaller than the features by a factor: local means, which see the whole image in no level, where the paper's
 * see a share of it. Named as the paper's: `features.{i}.1` and `.2` are a level's convolution and batch norm.
 */
class PyramidFactors extends Pyramid {
  readonly features: readonly Sequential[];
  readonly channels: number;
  readonly #alignCorners: AlignCorners;

  constructor(config: ValuesOf<typeof fields>, { input, norm }: PyramidContext) {
    super();
    const { factors, alignCorners } = config;
    const output = levelChannels(config, { input, levels: factors, key: "factors" });
    this.features = factors.map((factor) =>
      pyramidLevel(poolBy(factor), config, { input, output, norm, oneCell: false }),
    );
    this.channels = input + factors.length * output;
    this.#alignCorners = alignCorners;
  }

  forward<T extends Tensor>(x: T): T {
    const options = { alignCorners: this.#alignCorners };
    return x.scope(() =>
      x.cat(
        this.features.map((level) => level.forward(x).resizeLike(x, options)),
        1,
      ),
    );
  }
}

/** At the borders of features whose side is no multiple, a mean is of what is there. */
function poolBy(factor: number): AvgPool2d | Sequential {
  if (factor === 1) return new Sequential();
  return new AvgPool2d({ kernelSize: factor, stride: factor, ceilMode: true, countIncludePad: false });
}

export const pyramidFactors = kind({
  name: "factors",
  fields,
  create: (config, context: PyramidContext): Pyramid => new PyramidFactors(config, context),
});
