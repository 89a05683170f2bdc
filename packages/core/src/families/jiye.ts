import { caffeFamily } from "./caffeFamily.js";
import { port } from "./caffePort.js";
import { readVariable } from "./tensorflowVariables.js";

/** The names are hellochick's, so it must be said; its batch norms have TensorFlow's own constants. */
export const jiye = caffeFamily({
  ...port,
  name: "jiye",
  title: "the port to TensorFlow, jiye-ML/Semantic_Segmentation_PspNet",
  read: readVariable,
  fields: { norm: { eps: 1e-3, momentum: 0.01 } },
});
