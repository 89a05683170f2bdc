import type { ProtocolPreset } from "./protocol.js";

/**
 * mmsegmentation on whole images: `mmseg/models/segmentors/encoder_decoder.py`, `IoUMetric`. Its figures "ms+flip" take scales 0.5, 0.75, 1,
 * 1.25, 1.5 and 1.75 of the base, and flip.
 */
export const MMSEG: ProtocolPreset = {
  scales: [1],
  flip: false,
  windows: false,
  baseSizes: { ade20k: [2048, 512], voc2012: [2048, 512], cityscapes: [2048, 1024] },
  rules: {
    sizes: "fit",
    photograph: "opencv",
    padding: "none",
    stride: "nearest",
    softmax: "image",
    image: "network",
    mean: "present",
  },
};

/** mmsegmentation in windows, `mode='slide'`: its networks of 769x769 on Cityscapes. */
export const MMSEG_SLIDE: ProtocolPreset = {
  ...MMSEG,
  windows: true,
  baseSizes: { ...MMSEG.baseSizes, cityscapes: [2049, 1025] },
};
