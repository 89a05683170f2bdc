import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

/** What shapes do not tell: features after the levels, a bias where there is no batch norm, and a 1x1 head with a 3x3 classifier. */
export const SMP = {
  pyramid: { norm: "above1", bias: "unnormalised", features: "last" },
  head: { kind: "conv1x1", dropout: 0.2, classifierKernel: 3 },
  auxiliary: { kind: "none" },
  upsampling: { sizes: "8n" },
} as const satisfies GivenParts;

/** Two stages of torchvision's ResNet. */
export const smp: readonly Preset[] = ([18, 34, 50, 101, 152] as const).map((layers) => ({
  name: `smp-resnet${layers}`,
  follows: "qubvel/segmentation_models.pytorch",
  classes: 21,
  crop: 512,
  parts: { ...SMP, backbone: { layers, stem: "plain", stages: 2 } },
}));
