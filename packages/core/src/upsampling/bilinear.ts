import { flag, oneOf } from "../config/field.js";
import { kind } from "../config/kind.js";

/** Logits are enlarged bilinearly, outside of the network: by loss and predictor, which do it row by row. */
export const bilinear = kind({
  name: "bilinear",
  fields: {
    alignCorners: flag({
      default: true,
      meaning: "whether the first and last logits stand on the corners of the image",
    }),
    sizes: oneOf(["8n+1", "8n", "any"], {
      meaning:
        "sides of images whose logits lie right (8: the output stride), to which others are padded; 8n+1 with aligned corners, as the " +
        "authors, or any without; segmentation_models and Lextal want 8n",
    }),
  },
  derive: ({ alignCorners }) => ({ sizes: alignCorners ? ("8n+1" as const) : ("any" as const) }),
  create: (options) => options,
});
