import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

/**
 * What shapes do not tell: levels without batch norm and ReLU before the features, learned enlargements, an auxiliary head that says
 * which classes an image shows. Enlarged as PyTorch does since 0.4; when it was written, corners were aligned.
 */
export const LEXTAL = {
  pyramid: { norm: "none", relu: false, features: "last", alignCorners: false },
  head: { kind: "progressive", alignCorners: false },
  auxiliary: { kind: "image" },
  upsampling: { alignCorners: false, sizes: "8n" },
} as const satisfies GivenParts;

/** A convolution that has lost its stride is not dilated. */
export const LEXTAL_RESNET = { firstDilation: "none" } as const;

interface Extractor {
  readonly name: string;
  readonly backbone: NonNullable<GivenParts["backbone"]>;
  /** Channels of its features, which are each level's too. */
  readonly channels: number;
}

const RESNETS: readonly Extractor[] = ([18, 34, 50, 101, 152] as const).map((layers) => ({
  name: `resnet${layers}`,
  backbone: { layers, stem: "plain", ...LEXTAL_RESNET },
  channels: layers < 50 ? 512 : 2048,
}));

const EXTRACTORS: readonly Extractor[] = [
  ...RESNETS,
  { name: "densenet121", backbone: { kind: "densenet" }, channels: 1024 },
  { name: "squeezenet", backbone: { kind: "squeezenet" }, channels: 512 },
];

/** A pyramid of as many channels a level as features. */
export const lextal: readonly Preset[] = EXTRACTORS.map(({ name, backbone, channels }) => ({
  name: `lextal-${name}`,
  follows: "Lextal/pspnet-pytorch",
  classes: 18,
  crop: 256,
  parts: {
    ...LEXTAL,
    backbone,
    pyramid: { ...LEXTAL.pyramid, channels },
  },
}));
