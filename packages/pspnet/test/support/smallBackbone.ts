import {
  type PSPNetFields,
  partOf,
  pspnetConfig,
  randomWeights,
  readSafetensors,
  writeSafetensors,
} from "@pspnet/core";

const SMALL = { backbone: { layers: 50, width: 4, stem: "plain" }, head: { channels: 8 } } as const;

/** The file of a PSPNet-50 of width 4 for 5 classes. */
export function smallPspnet(fields: Partial<PSPNetFields> = {}): Uint8Array {
  return randomWeights(pspnetConfig({ classes: 5, ...SMALL, ...fields }), { seed: 1 });
}

/** Its backbone alone, as torchvision keeps one: the file says nothing of the network. */
export function smallBackbone(): Uint8Array {
  const tensors = [...readSafetensors(smallPspnet()).tensors].filter(([name]) => partOf(name) === "backbone");
  return writeSafetensors(new Map(tensors), {});
}
