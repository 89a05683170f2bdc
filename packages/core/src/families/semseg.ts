import { CAMVID_SEMSEG } from "../image/classLists.js";
import { paperCrop } from "../presets/preset.js";
import type { Assumption, Family } from "./family.js";
import { residualFields } from "./shapes.js";

const FORM: readonly Assumption[] = [
  { key: "backbone.strideIn", why: "the official release strides in the 3x3 convolution" },
  { key: "backbone.firstDilation", why: "the official release dilates all blocks of a stage alike" },
  { key: "pyramid.concatOrder", why: "the official release concatenates x, 1, 2, 3, 6" },
  { key: "upsampling.alignCorners", why: "the official release enlarges from corner to corner" },
];

/** The authors' own PyTorch release: its names are ours. */
export const semseg: Family = {
  name: "semseg",
  title: "the official PyTorch release (hszhao/semseg)",
  fate: (name) => (/^(layer[0-4]|ppm|cls|aux)\./.test(name) ? { name } : null),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: parts,
      classes,
      assumed: FORM,
      crop: paperCrop(classes),
      ...(classes === CAMVID_SEMSEG.names.length && { classList: CAMVID_SEMSEG }),
    };
  },
};
