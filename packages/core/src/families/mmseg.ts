import { isRecord } from "../config/record.js";
import type { ClassList, Rgb } from "../image/classes.js";
import { vocPalette } from "../image/classLists.js";
import { MMSEG_MOBILENET, MMSEG_RESNET, MMSEG_UPSAMPLING } from "../presets/mmseg.js";
import type { Assumption, Family, ForeignCheckpoint } from "./family.js";
import { fateByRules, type Rule, residualRule } from "./renaming.js";
import { headFields, mobileNetFields, resNetFields } from "./shapes.js";

/** The first block of each of MobileNetV2's stages in torchvision's row of blocks. */
const FIRST_BLOCKS = [1, 2, 4, 7, 11, 14, 17];

/** Expansion, depthwise convolution and projection; in the first stage there is no expansion. */
function inverted(_: string, stage: string, block: string, layer: string, part: string): string {
  const projection = Number(layer) === (stage === "1" ? 1 : 2);
  const at = projection ? String(Number(layer) + (part === "conv" ? 0 : 1)) : `${layer}.${part === "conv" ? 0 : 1}`;
  return `features.${FIRST_BLOCKS[Number(stage) - 1] + Number(block)}.conv.${at}.`;
}

const RULES: readonly Rule[] = [
  [/^backbone\.stem\.(\d)\./, "layer0.$1."],
  [/^backbone\.conv1\.(?=weight$)/, "layer0.0."],
  [/^backbone\.bn1\./, "layer0.1."],
  residualRule("backbone\\."),
  [/^backbone\.conv1\.conv\./, "features.0.0."],
  [/^backbone\.conv1\.bn\./, "features.0.1."],
  [/^backbone\.layer([1-7])\.(\d)\.conv\.(\d)\.(conv|bn)\./, inverted],
  [/^decode_head\.psp_modules\.(\d+)\.1\.conv\./, "ppm.features.$1.1."],
  [/^decode_head\.psp_modules\.(\d+)\.1\.bn\./, "ppm.features.$1.2."],
  [/^decode_head\.bottleneck\.conv\./, "cls.0."],
  [/^decode_head\.bottleneck\.bn\./, "cls.1."],
  [/^decode_head\.conv_seg\./, "cls.4."],
  [/^auxiliary_head\.convs\.0\.conv\./, "aux.0."],
  [/^auxiliary_head\.convs\.0\.bn\./, "aux.1."],
  [/^auxiliary_head\.conv_seg\./, "aux.4."],
];

export const mmseg: Family = {
  name: "mmseg",
  title: "open-mmlab/mmsegmentation's PSPNet",
  fate: (name) => fateByRules(name, RULES),
  network(state, checkpoint) {
    const residual = resNetFields(state);
    const mobile = mobileNetFields(state);
    const heads = headFields(state);
    if (!heads || !(residual || mobile)) return null;
    const { classes, pyramid, ...others } = heads;
    const said = settingsOf(checkpoint);
    const alignCorners = said.alignCorners ?? false;
    const backbone = residual
      ? { ...residual, ...MMSEG_RESNET, outputStride: said.outputStride ?? 8 }
      : { ...mobile!, ...MMSEG_MOBILENET };
    const upsampling = { ...MMSEG_UPSAMPLING, alignCorners };
    return {
      fields: { ...others, backbone, pyramid: { ...pyramid, alignCorners }, upsampling },
      classes,
      assumed: assumed(said, residual !== null),
      crop: 512,
      classList: classListOf(checkpoint, classes),
    };
  },
};

interface Settings {
  readonly alignCorners?: boolean;
  readonly outputStride?: 8 | 16 | 32;
}

/** Those of a ResNet's four stages, in one line or, since version 1, in one each. */
const STRIDES = /\bstrides=[([]\s*1,\s*2,\s*([12]),\s*([12]),?\s*[)\]]/;

/** What the configuration says that the checkpoint keeps as text, where it does. */
function settingsOf({ metadata }: ForeignCheckpoint): Settings {
  const { config, cfg } = isRecord(metadata.meta) ? metadata.meta : {};
  const text = typeof config === "string" ? config : cfg;
  if (typeof text !== "string") return {};
  const [, third, fourth] = STRIDES.exec(text) ?? [];
  return {
    ...(text.includes("align_corners=") && { alignCorners: text.includes("align_corners=True") }),
    ...(third && { outputStride: (8 * Number(third) * Number(fourth)) as 8 | 16 | 32 }),
  };
}

function assumed({ alignCorners, outputStride }: Settings, residual: boolean): Assumption[] {
  const why = "mmsegmentation aligns corners in its networks of crop 769 alone";
  return [
    ...(residual && outputStride === undefined
      ? [{ key: "backbone.outputStride", why: "a D32, whose shapes are the same, has 32" }]
      : []),
    ...(alignCorners === undefined
      ? ["pyramid.alignCorners", "upsampling.alignCorners"].map((key) => ({ key, why }))
      : []),
  ];
}

/** Names and colours: `CLASSES` and `PALETTE` of version 0, `dataset_meta` of version 1. */
function classListOf({ metadata }: ForeignCheckpoint, classes: number): ClassList | undefined {
  const { meta } = metadata;
  if (!isRecord(meta)) return undefined;
  const list = isRecord(meta.dataset_meta) ? meta.dataset_meta : meta;
  const names = list.CLASSES ?? list.classes;
  const palette = list.PALETTE ?? list.palette;
  if (!Array.isArray(names) || names.length !== classes || !names.every((name) => typeof name === "string"))
    return undefined;
  return { names, palette: isPalette(palette, classes) ? palette : vocPalette(classes) };
}

function isPalette(value: unknown, classes: number): value is Rgb[] {
  const isByte = (part: unknown) => Number.isInteger(part) && (part as number) >= 0 && (part as number) <= 255;
  const isColour = (colour: unknown) => Array.isArray(colour) && colour.length === 3 && colour.every(isByte);
  return Array.isArray(value) && value.length === classes && value.every(isColour);
}
