import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

interface Extractor {
  readonly name: string;
  readonly backbone: NonNullable<GivenParts["backbone"]>;
  /** Channels of its features, which are each level's too. */
  readonly channels: number;
}

const RESNETS: readonly Extractor[] = ([18, 34, 50, 101, 152] as const).map((layers) => ({
  name: `resnet${layers}`,
  backbone: { layers, stem: "plain", firstDilation: "none" },
  channels: layers < 50 ? 512 : 2048,
}));

const EXTRACTORS: readonly Extractor[] = [
  ...RESNETS,
  { name: "densenet121", backbone: { kind: "densenet" }, channels: 1024 },
  { name: "squeezenet", backbone: { kind: "squeezenet" }, channels: 512 },
];

/**
 * A pyramid of as many channels a level as features, without batch norm and ReLU, three learned enlargements, and an auxiliary head that
 * says which classes an image shows. Enlarged as PyTorch does today; when it was written, before 0.4, corners were aligned.
 */
export const lextal: readonly Preset[] = EXTRACTORS.map(({ name, backbone, channels }) => ({
  name: `lextal-${name}`,
  follows: "Lextal/pspnet-pytorch",
  classes: 18,
  crop: 256,
  parts: {
    backbone,
    pyramid: { channels, norm: "none", relu: false, features: "last", alignCorners: false },
    head: { kind: "progressive", alignCorners: false },
    auxiliary: { kind: "image" },
    upsampling: { alignCorners: false, sizes: "8n" },
  },
}));
