import type { State } from "@pspnet/checkpoints";
import { LEXTAL, LEXTAL_RESNET } from "../presets/lextal.js";
import { type Assumption, type Family, told } from "./family.js";
import { fateByRules, type Rule, residualRule, stemRule } from "./renaming.js";
import { denseNetFields, levelFields, resNetFields, squeezeNetFields } from "./shapes.js";

/** Where torchvision's list has the modules of `feat_2`, `feat_3` and `feat_4`. */
const FIRES: Readonly<Record<string, number>> = { 2: 2, 3: 5, 4: 9 };

const RULES: readonly Rule[] = [
  stemRule("feats\\."),
  residualRule("feats\\."),
  [/^feats\.start_features\.(conv0|norm0)\./, "features.$1."],
  [/^feats\.blocks\./, { drop: "stands under denseblock and transition, too" }],
  [/^feats\.(denseblock\d\.denselayer\d+)\.(norm|conv)\.?([12])\./, "features.$1.$2$3."],
  [/^feats\.(transition\d\.(?:norm|conv))\./, "features.$1."],
  [/^feats\.feat_1\.0\./, "features.0."],
  [
    /^feats\.feat_([234])\.(\d)\.(squeeze|expand1x1|expand3x3)\./,
    (_, group, i, layer) => `features.${FIRES[group] + Number(i)}.${layer}.`,
  ],
  [/^psp\.stages\.(\d)\.1\./, "ppm.features.$1.1."],
  [/^psp\.bottleneck\./, "cls.bottleneck."],
  [/^up_(\d)\.conv\.([012])\./, (_, step, layer) => `cls.up.${Number(step) - 1}.${layer}.`],
  [/^final\.0\./, "cls.final."],
  [/^classifier\.([02])\./, "aux.$1."],
];

const CORNERS = "as PyTorch enlarges since 0.4; before, corners were aligned";

const ASSUMED: readonly Assumption[] = [
  { key: "pyramid.alignCorners", why: CORNERS },
  { key: "head.alignCorners", why: CORNERS },
  { key: "input.mean", why: "its extractors were trained so on ImageNet; its own code has no input" },
];

/** The extractor of an image's features, and nothing that shapes do not tell. */
function backboneOf(state: State) {
  const residual = resNetFields(state);
  if (residual) return { ...residual, ...LEXTAL_RESNET };
  return squeezeNetFields(state) ?? denseNetFields(state);
}

export const lextal: Family = {
  name: "lextal",
  title: "Lextal/pspnet-pytorch",
  fate: (name) => fateByRules(name, RULES),
  network(state) {
    const backbone = backboneOf(state);
    const levels = levelFields(state);
    const outputs = (name: string) => state.get(`${name}.weight`)?.shape[0];
    const classes = outputs("cls.final");
    const channels = outputs("cls.bottleneck");
    if (!backbone || !levels || !classes || !channels) return null;
    const auxiliary = outputs("aux.0");
    const steps = [0, 1, 2].flatMap((step) => outputs(`cls.up.${step}.0`) ?? []);
    return {
      fields: told(
        {
          backbone,
          pyramid: levels,
          head: { kind: "progressive", channels, steps },
          auxiliary: auxiliary === undefined ? { kind: "none" } : { kind: "image", channels: auxiliary },
        },
        LEXTAL,
      ),
      classes,
      assumed: ASSUMED,
      crop: 256,
    };
  },
};
