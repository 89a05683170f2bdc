import type { Family } from "./family.js";
import { resNetFields } from "./shapes.js";

const AVERAGED = /(^|\.)layer2\.0\.downsample\.2\./;

/**
 * ResNets with timm's deep stem, `conv1.0` to `conv1.6` and `bn1`. In the shortcuts of its resnet50d an average stands first: their
 * convolution is `downsample.1`, their batch norm `downsample.2`.
 */
export const timm: Family = {
  name: "timm",
  title: "a ResNet that classifies, with timm's deep stem (resnet50d and its like)",
  fate(name, { shape }) {
    if (/^(head\.)?fc\./.test(name)) return { drop: "tells ImageNet's classes apart" };
    const stem = /^conv1\.([01346])\.(.+)$/.exec(name);
    if (stem) return { name: `layer0.${stem[1]}.${stem[2]}` };
    if (name.startsWith("bn1.")) return { name: `layer0.7.${name.slice("bn1.".length)}` };
    if (!/^layer[1-4]\./.test(name)) return null;
    const averaged = name.includes(".downsample.2.") || (name.endsWith(".downsample.1.weight") && shape.length === 4);
    const place = (_: string, position: string) => `.downsample.${Number(position) - 1}.`;
    return { name: averaged ? name.replace(/\.downsample\.([12])\./, place) : name };
  },
  network(state, checkpoint) {
    const backbone = resNetFields(state);
    if (!backbone) return null;
    const averaged = [...checkpoint.state.keys()].some((name) => AVERAGED.test(name));
    const shortcut = averaged ? "average" : "projection";
    return { fields: { backbone: { ...backbone, shortcut } }, classes: null, assumed: [], crop: 473 };
  },
};
