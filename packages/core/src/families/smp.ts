import type { State, StateTensor } from "@pspnet/checkpoints";
import type { GivenParts } from "../model/parts.js";
import { SMP } from "../presets/smp.js";
import { type Assumption, type Family, type Fate, told } from "./family.js";
import { fateByRules, hasAverages, type Rule, residualRule, withoutAverage } from "./renaming.js";
import { denseNetFields, levelFields, mobileNetFields, resNetFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  [/^decoder\.psp\.blocks\.(\d)\.pool\.1\.0\./, "ppm.features.$1.1."],
  [/^decoder\.psp\.blocks\.(\d)\.pool\.1\.1\./, "ppm.features.$1.2."],
  [/^decoder\.conv\.([01])\./, "cls.$1."],
  [/^classification_head\.3\./, "aux.0."],
];

/** A kind of encoder, whose modules stand below `encoder.`, or `encoder.model.` where timm made it. */
interface Encoder {
  /** What becomes of a tensor below its prefix. */
  fate(name: string, tensor: StateTensor, shapeOf: ShapeOf): Fate | null;
  /** A layer's place in its row: the stage it belongs to, or by its own number. Null for what belongs to all. */
  place(name: string): number | null;
  /** The last place that the decoder looks at when it sees so many features; null for another kind's. */
  last(features: number, shapeOf: ShapeOf): number | null;
  fields(state: State, last: number, names: Iterable<string>): Encoding | null;
}

/** The shape of an encoder's tensor. */
type ShapeOf = (name: string) => readonly number[] | undefined;

type Encoding = Exclude<GivenParts["backbone"], undefined>;

const RESIDUAL: readonly Rule[] = [
  [/^conv1\.(?=weight$)/, "layer0.0."],
  [/^conv1\.([01346])\./, "layer0.$1."],
  residualRule(""),
];

const residual: Encoder = {
  fate(name, tensor, shapeOf) {
    const norm = shapeOf("conv1.weight") ? "layer0.1." : "layer0.7.";
    return fateByRules(withoutAverage(name, tensor), [...RESIDUAL, [/^bn1\./, norm]]);
  },
  place: (name) => numberIn(name, /^layer([1-4])\./),
  last(features, shapeOf) {
    const [outputs] = shapeOf("layer1.0.conv3.weight") ?? shapeOf("layer1.0.conv2.weight") ?? [];
    // Each stage has twice the channels of the one before.
    return outputs === undefined ? null : 1 + Math.round(Math.log2(features / outputs));
  },
  fields(state, last, names) {
    const backbone = resNetFields(state);
    const shortcut = hasAverages(names) ? "average" : "projection";
    const outputStride = (2 ** (last + 1)) as 8 | 16 | 32;
    return backbone && { ...backbone, shortcut, stages: last as 2 | 3 | 4, outputStride };
  },
};

/** The last layers of MobileNetV2's stages that decoders look at. */
const MOBILE = { 6: 3, 13: 5 } as const;

const mobile: Encoder = {
  fate: (name) => (/^features\.\d+\.(\d|conv)\./.test(name) ? { name } : null),
  place: (name) => numberIn(name, /^features\.(\d+)\./),
  last(features, shapeOf) {
    const sees = (place: string) => shapeOf(`features.${place}.conv.2.weight`)?.[0] === features;
    const last = Object.keys(MOBILE).find(sees);
    return last === undefined ? null : Number(last);
  },
  fields(state, last) {
    const backbone = mobileNetFields(state);
    return backbone && { ...backbone, outputStride: last === 6 ? 8 : 16 };
  },
};

/** Behind the last block batch norm and ReLU of the next transition are looked at, its convolution is not. */
const dense: Encoder = {
  fate: (name) => (/^features\.(conv0|norm0|denseblock\d|transition\d)\./.test(name) ? { name } : null),
  place(name) {
    const transition = numberIn(name, /^features\.transition(\d)\.conv\./);
    if (transition !== null) return transition + 1;
    return name.startsWith("features.norm5.") ? 5 : numberIn(name, /^features\.(?:denseblock|transition)(\d)\./);
  },
  last: (features, shapeOf) =>
    [2, 3].find((block) => shapeOf(`features.transition${block}.norm.weight`)?.[0] === features) ?? null,
  fields(state, last) {
    const backbone = denseNetFields(state);
    return backbone && { ...backbone, stages: last as 2 | 3, outputStride: (2 ** (last + 1)) as 8 | 16 };
  },
};

function numberIn(name: string, pattern: RegExp): number | null {
  const found = pattern.exec(name);
  return found && Number(found[1]);
}

const ENCODER = /^encoder\.(?:model\.)?/;

function shapesIn(all: State): ShapeOf {
  return (name) => (all.get(`encoder.${name}`) ?? all.get(`encoder.model.${name}`))?.shape;
}

/** The kind of the encoder, and the last place that the decoder looks at; null for one of no kind here. */
function encoderOf(all: State): { readonly encoder: Encoder; readonly last: number } | null {
  const features = all.get("decoder.psp.blocks.0.pool.1.0.weight")?.shape[1];
  if (features === undefined) return null;
  for (const encoder of [residual, mobile, dense]) {
    const last = encoder.last(features, shapesIn(all));
    if (last !== null) return { encoder, last };
  }
  return null;
}

const UNUSED = { drop: "stands behind what the decoder looks at" };

const ASSUMED: readonly Assumption[] = [
  { key: "pyramid.features", why: "segmentation_models concatenates 1, 2, 3, 6, x" },
  { key: "upsampling.alignCorners", why: "segmentation_models enlarges from corner to corner" },
  { key: "input.mean", why: "its encoders were trained so on ImageNet" },
];

export const smp: Family = {
  name: "smp",
  title: "segmentation_models.pytorch's PSPNet on a ResNet, ResNeXt, MobileNetV2 or DenseNet",
  fate(name, tensor, all) {
    if (!ENCODER.test(name)) {
      const place = all.has("decoder.conv.1.weight") ? "cls.4." : "cls.3.";
      return fateByRules(name, [...RULES, [/^segmentation_head\.0\./, place]]);
    }
    const found = encoderOf(all);
    if (!found) return null;
    const inside = name.replace(ENCODER, "");
    const unused = (found.encoder.place(inside) ?? 0) > found.last;
    return unused ? UNUSED : found.encoder.fate(inside, tensor, shapesIn(all));
  },
  network(state, checkpoint, all) {
    const found = encoderOf(all);
    const backbone = found?.encoder.fields(state, found.last, checkpoint.state.keys());
    const pyramid = levelFields(state);
    const normed = state.has("cls.1.running_mean");
    const classes = state.get(normed ? "cls.4.weight" : "cls.3.weight")?.shape[0];
    const head = state.get("cls.0.weight");
    if (!backbone || !pyramid || !classes || !head) return null;
    return {
      fields: told(
        {
          backbone,
          pyramid: { ...pyramid, norm: normed ? "above1" : "none" },
          head: { kind: "conv1x1", channels: head.shape[0], norm: normed, bias: !normed },
          ...(state.has("aux.0.weight") && {
            auxiliary: { kind: "image", of: "last", pool: "average", channels: null },
          }),
        },
        SMP,
      ),
      classes,
      assumed: ASSUMED,
      crop: 512,
    };
  },
};
