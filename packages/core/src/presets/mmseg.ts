import type { GivenParts } from "../model/parts.js";
import type { Preset } from "./preset.js";

const CITYSCAPES = { classes: 19, crop: 512, follows: "open-mmlab/mmsegmentation" } as const;

/** Version c has a stem of three convolutions, b torchvision's. */
const STEMS = { c: { stem: "deep", stemChannels: [32, 32, 64] }, b: { stem: "plain" } } as const;

/** Half the dilation in a stage's first block, and none in basic blocks' second convolutions; where it strides dilation stays. */
export const MMSEG_RESNET = { dilations: [1, 1, 2, 4], firstDilation: "halved", basicDilation: "first" } as const;
/** The first block of a stage alone is dilated. */
export const MMSEG_MOBILENET = { firstDilation: "alone" } as const;
/** Logits lie right at every size, with aligned corners too. */
export const MMSEG_UPSAMPLING = { sizes: "any" } as const;

interface Variant {
  readonly layers: 18 | 50 | 101;
  readonly version: keyof typeof STEMS;
  readonly outputStride?: 8 | 32;
  readonly alignCorners?: boolean;
}

function parts({ layers, version, outputStride = 8, alignCorners = false }: Variant): GivenParts {
  const small = layers === 18;
  return {
    backbone: {
      layers,
      ...STEMS[version],
      ...MMSEG_RESNET,
      outputStride,
    },
    pyramid: { channels: small ? 128 : 512, alignCorners },
    head: { channels: small ? 128 : 512 },
    auxiliary: { channels: small ? 64 : 256 },
    upsampling: { ...MMSEG_UPSAMPLING, alignCorners },
  };
}

const residual: readonly Preset[] = (["c", "b"] as const).flatMap((version) =>
  ([18, 50, 101] as const).map((layers) => ({
    ...CITYSCAPES,
    name: `mmseg-r${layers}${version === "b" ? "b" : ""}-d8`,
    parts: parts({ layers, version }),
  })),
);

const strided: readonly Preset[] = (["c", "b"] as const).map((version) => ({
  ...CITYSCAPES,
  name: `mmseg-r50${version === "b" ? "b" : ""}-d32`,
  parts: parts({ layers: 50, version, outputStride: 32 }),
}));

/** Those of 769x769 align corners, the others do not. */
const aligned: readonly Preset[] = ([50, 101] as const).map((layers) => ({
  ...CITYSCAPES,
  crop: 769,
  name: `mmseg-r${layers}-d8-769`,
  parts: parts({ layers, version: "c", alignCorners: true }),
}));

const mobile: Preset = {
  ...CITYSCAPES,
  name: "mmseg-mobilenetv2-d8",
  parts: {
    backbone: { kind: "mobilenetv2", ...MMSEG_MOBILENET },
    pyramid: { channels: 512, alignCorners: false },
    upsampling: { alignCorners: false },
  },
};

export const mmseg: readonly Preset[] = [...residual, ...strided, ...aligned, mobile];
