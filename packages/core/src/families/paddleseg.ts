import { inParts } from "../model/flatFields.js";
import type { GivenParts } from "../model/parts.js";
import type { Assumption, Family } from "./family.js";
import { headFields, resNetFields } from "./shapes.js";

const ASSUMED: readonly Assumption[] = [
  { key: "backbone.outputStride", why: "PaddleSeg's configurations have output_stride: 8" },
  { key: "pyramid.concatOrder", why: "PaddleSeg concatenates x, 6, 3, 2, 1" },
  { key: "pyramid.alignCorners", why: "PaddleSeg's configurations have align_corners: False" },
  { key: "upsampling.alignCorners", why: "PaddleSeg's configurations have align_corners: False" },
  { key: "input.mean", why: "PaddleSeg's Normalize makes -1 to 1 of 0 to 255" },
];

const PARTS: GivenParts = {
  backbone: { shortcut: "average" },
  pyramid: { bias: "all", concatOrder: "descending", alignCorners: false },
  head: { bias: true, dropoutOf: "elements" },
  auxiliary: { bias: true, dropoutOf: "elements" },
  upsampling: { alignCorners: false },
  input: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
};

interface Place {
  readonly convolution: string;
  readonly norm: string;
}

/** Where a convolution with batch norm stands here. */
function placeOf(name: string): Place | null {
  const stem = /^backbone\.conv1_([123])$/.exec(name);
  if (stem) return numbered("layer0.", 3 * Number(stem[1]) - 3);
  const block = /^backbone\.bb_([0-3])_(\d+)\.(conv[0-2]|short)$/.exec(name);
  if (block) return placeInBlock(`layer${Number(block[1]) + 1}.${block[2]}`, block[3]);
  const level = /^head\.psp_module\.stages\.(\d)\.1$/.exec(name);
  if (level) return numbered(`ppm.features.${level[1]}.`, 1);
  if (name === "head.psp_module.conv_bn_relu2") return numbered("cls.", 0);
  return name === "head.auxlayer.conv_bn_relu" ? numbered("aux.", 0) : null;
}

function placeInBlock(block: string, part: string): Place {
  if (part === "short") return numbered(`${block}.downsample.`, 0);
  const position = Number(part.slice(-1)) + 1;
  return { convolution: `${block}.conv${position}`, norm: `${block}.bn${position}` };
}

function numbered(prefix: string, first: number): Place {
  return { convolution: `${prefix}${first}`, norm: `${prefix}${first + 1}` };
}

const CLASSIFIERS: Readonly<Record<string, string>> = { "head.conv": "cls.4", "head.auxlayer.conv": "aux.4" };
const STATISTICS: Readonly<Record<string, string>> = { _mean: "running_mean", _variance: "running_var" };

function nameOf(name: string): string | null {
  const classifier = /^(.+)\.(weight|bias)$/.exec(name);
  if (classifier && Object.hasOwn(CLASSIFIERS, classifier[1])) return `${CLASSIFIERS[classifier[1]]}.${classifier[2]}`;
  const found = /^(.+)\.(_conv|_batch_norm)\.(weight|bias|_mean|_variance)$/.exec(name);
  const place = found && placeOf(found[1]);
  if (!place) return null;
  return `${found[2] === "_conv" ? place.convolution : place.norm}.${STATISTICS[found[3]] ?? found[3]}`;
}

export const paddleseg: Family = {
  name: "paddleseg",
  title: "PaddlePaddle/PaddleSeg's PSPNet on ResNet_vd",
  fate(name) {
    const ours = nameOf(name);
    return ours === null ? null : { name: ours };
  },
  network(state) {
    const backbone = resNetFields(state);
    const heads = headFields(state);
    if (!backbone || !heads) return null;
    const { classes, ...others } = heads;
    return {
      fields: inParts({ ...others, backbone }, PARTS) as GivenParts,
      classes,
      assumed: ASSUMED,
      crop: 512,
    };
  },
};
