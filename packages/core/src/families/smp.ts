import type { State } from "@pspnet/checkpoints";
import type { Depth } from "../backbone/resnet.js";
import { SMP } from "../presets/smp.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, type Rule, residualRule } from "./renaming.js";
import { levelFields, resNetFields } from "./shapes.js";

const RULES: readonly Rule[] = [
  [/^encoder\.conv1\.(?=weight$)/, "layer0.0."],
  [/^encoder\.bn1\./, "layer0.1."],
  residualRule("encoder\\."),
  [/^decoder\.psp\.blocks\.(\d)\.pool\.1\.0\./, "ppm.features.$1.1."],
  [/^decoder\.psp\.blocks\.(\d)\.pool\.1\.1\./, "ppm.features.$1.2."],
  [/^decoder\.conv\.([01])\./, "cls.$1."],
  [/^classification_head\.3\./, "aux.0."],
];

const UNUSED = { drop: "stands in a stage behind those that the decoder looks at" };

/** How many of the stages the decoder looks through: each has twice the channels of the one before. */
function stagesOf(features: number, state: State, prefix: string): 2 | 3 | 4 {
  const last = state.get(`${prefix}layer1.0.conv3.weight`) ?? state.get(`${prefix}layer1.0.conv2.weight`);
  return (1 + Math.round(Math.log2(features / (last?.shape[0] ?? 1)))) as 2 | 3 | 4;
}

/** Blocks of all stages, of those too that are left out. */
function depthOf(names: Iterable<string>, convolutions: number): Depth {
  const blocks = [...names].filter((name) => /encoder\.layer[1-4]\.\d+\.conv1\.weight$/.test(name)).length;
  return (blocks * convolutions + 2) as Depth;
}

const ASSUMED: readonly Assumption[] = [
  { key: "pyramid.features", why: "segmentation_models concatenates 1, 2, 3, 6, x" },
  { key: "upsampling.alignCorners", why: "segmentation_models enlarges from corner to corner" },
  { key: "input.mean", why: "its encoders were trained so on ImageNet" },
];

export const smp: Family = {
  name: "smp",
  title: "segmentation_models.pytorch's PSPNet on a ResNet",
  fate(name, _, all) {
    const stage = /^encoder\.layer([1-4])\./.exec(name);
    const features = all.get("decoder.psp.blocks.0.pool.1.0.weight")?.shape[1];
    if (stage && features && Number(stage[1]) > stagesOf(features, all, "encoder.")) return UNUSED;
    const place = all.has("decoder.conv.1.weight") ? "cls.4." : "cls.3.";
    return fateByRules(name, [...RULES, [/^segmentation_head\.0\./, place]]);
  },
  network(state, checkpoint) {
    const backbone = resNetFields(state);
    const pyramid = levelFields(state);
    const normed = state.has("cls.1.running_mean");
    const classes = state.get(normed ? "cls.4.weight" : "cls.3.weight")?.shape[0];
    const head = state.get("cls.0.weight");
    const features = state.get("ppm.features.0.1.weight")?.shape[1];
    if (!backbone || !pyramid || !classes || !head || !features) return null;
    const stages = stagesOf(features, state, "");
    const layers = depthOf(checkpoint.state.keys(), state.has("layer1.0.conv3.weight") ? 3 : 2);
    const outputStride = (2 ** (stages + 1)) as 8 | 16 | 32;
    return {
      fields: told(
        {
          backbone: { ...backbone, layers, stages, outputStride },
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
