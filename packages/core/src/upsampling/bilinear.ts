import { flag } from "../config/field.js";
import { kind } from "../config/kind.js";

/** Logits are enlarged bilinearly, outside of the network: by loss and predictor, which do it row by row. */
export const bilinear = kind({
  name: "bilinear",
  fields: {
    alignCorners: flag({
      default: true,
      meaning:
        "whether the first and last logits stand on the corners of the image, which is then of 8n+1 pixels a side",
    }),
  },
  create: (options) => options,
});
