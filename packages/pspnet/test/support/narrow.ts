import { PRESETS, type PSPNetConfig, pspnetConfig } from "@pspnet/core";
import { sceneClasses } from "pspnet";

/** The presets' networks with few channels, each once, with the names of all that have it: depth, classes and crop are not told apart. */
export function narrowNetworks(): { readonly names: string; readonly config: PSPNetConfig }[] {
  const found = new Map<string, { readonly names: string[]; readonly config: PSPNetConfig }>();
  for (const { name } of PRESETS) {
    const config = narrow(pspnetConfig({ preset: name, classes: sceneClasses.names.length }));
    const key = JSON.stringify(config);
    const known = found.get(key);
    if (known) known.names.push(name);
    else found.set(key, { names: [name], config });
  }
  return [...found.values()].map(({ names, config }) => ({ names: names.join(", "), config }));
}

function narrow({ backbone, pyramid, head, auxiliary, ...config }: PSPNetConfig): PSPNetConfig {
  return {
    ...config,
    backbone: narrowBackbone(backbone),
    pyramid: pyramid.kind === "none" || pyramid.channels === null ? pyramid : { ...pyramid, channels: 8 },
    head: head.kind === "progressive" ? { ...head, channels: 16, steps: [8, 8, 8] } : { ...head, channels: 16 },
    auxiliary: auxiliary.kind === "none" || auxiliary.channels === null ? auxiliary : { ...auxiliary, channels: 8 },
  };
}

function narrowBackbone(backbone: PSPNetConfig["backbone"]): PSPNetConfig["backbone"] {
  switch (backbone.kind) {
    case "resnet": {
      const stemChannels = backbone.stemChannels.map((channels) => channels / 8);
      return { ...backbone, layers: backbone.layers >= 50 ? 50 : 18, stemChannels, width: 8 };
    }
    case "densenet":
      return { ...backbone, layers: 121, width: 8, growth: 4 };
    case "squeezenet":
      return { ...backbone, width: 16 };
    case "mobilenetv2":
      return { ...backbone, multiplier: 0.25, divisor: 1 };
  }
}
