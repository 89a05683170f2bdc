import { caffeFamily } from "./caffeFamily.js";
import { EVEN_SIDES, port } from "./caffePort.js";
import { readVariable } from "./tensorflowVariables.js";

/**
 * The names are hellochick's, so it must be said. Its batch norms have TensorFlow's own constants, and at the 480 pixels that it trains
 * on SAME pads the right and bottom alone.
 */
export const jiye = caffeFamily({
  ...port,
  name: "jiye",
  title: "the port to TensorFlow, jiye-ML/Semantic_Segmentation_PspNet",
  read: readVariable,
  otherwise: () => ({ fields: { ...EVEN_SIDES, norm: { eps: 1e-3, momentum: 0.01 } }, crop: 480 }),
});
