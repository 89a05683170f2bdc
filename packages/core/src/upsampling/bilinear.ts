import { oneOf } from "../config/field.js";
import { kind } from "../config/kind.js";
import { ALIGN_CORNERS } from "../tensor/alignCorners.js";

/** Sides at which each rule puts logits where they were seen. */
const SIZES = { true: "8n+1", false: "any", asymmetric: "8n" } as const;

/** Logits are enlarged bilinearly, outside of the network: by loss and predictor, which do it row by row. */
export const bilinear = kind({
  name: "bilinear",
  fields: {
    alignCorners: oneOf(ALIGN_CORNERS, {
      default: true,
      meaning:
        "whether the first and last logits stand on the corners of the image; asymmetric, from upper left corners, as TensorFlow 1",
    }),
    sizes: oneOf(["8n+1", "8n", "any"], {
      meaning:
        "sides of images whose logits lie right (8: the output stride), to which others are padded; 8n+1 with aligned corners, as the " +
        "authors, 8n with asymmetric ones, or any without; segmentation_models and Lextal want 8n",
    }),
  },
  derive: ({ alignCorners }) => ({ sizes: SIZES[`${alignCorners}`] }),
  create: (options) => options,
});
