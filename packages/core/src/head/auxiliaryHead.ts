import { kind } from "../config/kind.js";
import { ConvolutionHead, convolutionFields, type HeadContext } from "./convolutionHead.js";

/**
 * The auxiliary classifier on the backbone's middle features (paper, section 3.3 and figure 4; `aux` in the official release):
 * it helps the optimisation, weighted 0.4 in the loss, and is left out of predictions.
 */
export class AuxiliaryHead extends ConvolutionHead {}

export const auxiliaryHead = kind({
  name: "conv3x3",
  fields: convolutionFields({ channels: 256 }),
  create: (config, context: HeadContext) => new AuxiliaryHead(config, context),
});

export const noAuxiliary = kind({ name: "none", fields: {}, create: () => null });
