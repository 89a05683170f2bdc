import { CAFFE_INPUT, paperCrop } from "../presets/preset.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, type Rule } from "./renaming.js";
import { residualFields } from "./shapes.js";

const PARTS: Readonly<Record<string, readonly [convolution: string, norm: string]>> = {
  cbr1: ["conv1", "bn1"],
  cbr2: ["conv2", "bn2"],
  cb3: ["conv3", "bn3"],
  cb4: ["downsample.0", "downsample.1"],
};

/** Stages are counted from 2, as Caffe's; levels from the finest. */
const RULES: readonly Rule[] = [
  [/^convbnrelu1_([123])\.cbr_unit\.([01])\./, (_, i, layer) => `layer0.${3 * (Number(i) - 1) + Number(layer)}.`],
  [
    /^res_block([2-5])\.layers\.(\d+)\.(cbr1|cbr2|cb3|cb4)\.cbr?_unit\.([01])\./,
    (_, stage, block, part, layer) => `layer${Number(stage) - 1}.${block}.${PARTS[part][Number(layer)]}.`,
  ],
  [
    /^pyramid_pooling\.path_module_list\.([0-3])\.cbr_unit\.([01])\./,
    (_, i, layer) => `ppm.features.${3 - Number(i)}.${Number(layer) + 1}.`,
  ],
  [/^cbr_final\.cbr_unit\.([01])\./, "cls.$1."],
  [/^classification\./, "cls.4."],
  [/^convbnrelu4_aux\.cbr_unit\.([01])\./, "aux.$1."],
  [/^aux_cls\./, "aux.4."],
];

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.strideIn", why: "its code strides in the 3x3; Caffe's ADE20K network of 50 layers in the 1x1" },
  { key: "pyramid.bins", why: "its cells are these where the features' sides are multiples of 6, as at 473 and 713" },
  { key: "pyramid.concatOrder", why: "meetps concatenates x, 6, 3, 2, 1" },
  { key: "upsampling.alignCorners", why: "meetps enlarges from corner to corner, at every size" },
  { key: "input.channelOrder", why: "its weights are Caffe's, of blue, green, red" },
  { key: "input.std", why: "Caffe's weights look at values from 0 to 255; its img_norm divides them by 255 (1,1,1)" },
];

export const meetps: Family = {
  name: "meetps",
  title: "meetps/pytorch-semseg (meetshah1995)",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const found = residualFields(state);
    if (!found) return null;
    const { classes, parts } = found;
    return {
      fields: told({ pyramid: { concatOrder: "descending" }, upsampling: { sizes: "any" }, input: CAFFE_INPUT }, parts),
      classes,
      assumed: ASSUMED,
      crop: paperCrop(classes),
    };
  },
};
