import { CSAIL, CSAIL_MOBILENET, CSAIL_RESNET } from "../presets/csail.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, plainMobileNetRule, type Rule, residualRule, stemRule } from "./renaming.js";
import { headFields, mobileNetFields, resNetFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  [/\.(_tmp_running_mean|_tmp_running_var|_running_iter)$/, { drop: "is an average on the way to the running ones" }],
  stemRule(""),
  residualRule(""),
  plainMobileNetRule(""),
  [/^features\.0\.([01])\./, "features.0.$1."],
  [/^ppm\.(\d)\.([12])\./, "ppm.features.$1.$2."],
  [/^conv_last\.([014])\./, "cls.$1."],
];

const AUXILIARY: readonly Rule[] = [
  [/^cbr_deepsup\.([01])\./, "aux.$1."],
  [/^conv_last_deepsup\./, "aux.4."],
];

/** The one of MobileNetV2 looks into the midst of a stage. */
const UNSEEN = { drop: "looks, in training alone, at features that no auxiliary head here sees" };

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.firstDilation", why: "CSAIL dilates a convolution that has lost its stride half" },
  { key: "pyramid.alignCorners", why: "CSAIL interpolates with align_corners=False" },
  { key: "upsampling.alignCorners", why: "CSAIL interpolates with align_corners=False" },
];

/** Encoder and decoder, two files of their own or one module's. */
export const csail: Family = {
  name: "csail",
  title: "CSAILVision/semantic-segmentation-pytorch, encoder and decoder",
  fate(name, _, all) {
    const plain = name.replace(/^(encoder|decoder)\./, "");
    const found = fateByRules(plain, RULES);
    if (found) return found;
    const auxiliary = fateByRules(plain, AUXILIARY);
    const isMobile = all.has("features.0.0.weight") || all.has("encoder.features.0.0.weight");
    return auxiliary && isMobile ? UNSEEN : auxiliary;
  },
  network(state) {
    const residual = resNetFields(state);
    const mobile = mobileNetFields(state);
    const heads = headFields(state);
    if (!heads || !state.has("ppm.features.0.1.weight") || !(residual || mobile)) return null;
    const { classes, ...others } = heads;
    const backbone = residual ? { ...residual, ...CSAIL_RESNET } : { ...mobile!, ...CSAIL_MOBILENET };
    return {
      fields: told({ ...others, backbone }, CSAIL),
      classes,
      assumed: ASSUMED,
      crop: 480,
    };
  },
};
