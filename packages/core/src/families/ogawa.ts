import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, type Rule } from "./renaming.js";
import { residualFields } from "./shapes.js";

const PARTS: Readonly<Record<string, readonly [convolution: string, norm: string]>> = {
  cbr_1: ["conv1", "bn1"],
  cbr_2: ["conv2", "bn2"],
  cb_3: ["conv3", "bn3"],
  cb_residual: ["downsample.0", "downsample.1"],
};

const layerOf = (layer: string) => (layer === "conv" ? 0 : 1);

/** Blocks are counted from 1; levels from the finest. */
const RULES: readonly Rule[] = [
  [
    /^feature_conv\.cbnr_([123])\.(conv|batchnorm)\./,
    (_, i, layer) => `layer0.${3 * (Number(i) - 1) + layerOf(layer)}.`,
  ],
  [
    /^feature_(dilated_)?res_([12])\.block(\d+)\.(cbr_1|cbr_2|cb_3|cb_residual)\.(conv|batchnorm)\./,
    (_, dilated, i, block, part, layer) =>
      `layer${Number(i) + (dilated ? 2 : 0)}.${Number(block) - 1}.${PARTS[part][layerOf(layer)]}.`,
  ],
  [
    /^pyramid_pooling\.cbr_([1-4])\.(conv|batchnorm)\./,
    (_, i, layer) => `ppm.features.${4 - Number(i)}.${layerOf(layer) + 1}.`,
  ],
  [/^decode_feature\.cbr\.(conv|batchnorm)\./, (_, layer) => `cls.${layerOf(layer)}.`],
  [/^decode_feature\.classification\./, "cls.4."],
  [/^aux\.cbr\.(conv|batchnorm)\./, (_, layer) => `aux.${layerOf(layer)}.`],
  [/^aux\.classification\./, "aux.4."],
];

const ASSUMED: readonly Assumption[] = [
  { key: "pyramid.concatOrder", why: "the book concatenates x, 6, 3, 2, 1" },
  { key: "upsampling.alignCorners", why: "the book enlarges from corner to corner, to 475x475" },
  { key: "input.mean", why: "its loaders take off ImageNet's mean" },
];

export const ogawa: Family = {
  name: "ogawa",
  title: "YutaroOgawa/pytorch_advanced, the PSPNet of a book and of those who learnt from it",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told({ pyramid: { concatOrder: "descending" }, upsampling: { sizes: "any" } }, parts),
      classes,
      assumed: ASSUMED,
      crop: 475,
    };
  },
};
