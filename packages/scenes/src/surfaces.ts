import type { Random, Rgb } from "@pspnet/core";
import type { Paint } from "./canvas.js";
import { chance, lit, mixed, pick, varied } from "./colour.js";
import { courses, panes, speckle, stripes } from "./texture.js";

/** A paint without its label and its place: the same surface serves several classes. */
export type Surface = Pick<Paint, "colour" | "accent" | "texture">;

const facadeColours: readonly Rgb[] = [
  [176, 168, 156],
  [150, 104, 82],
  [122, 130, 142],
  [196, 178, 142],
  [104, 112, 120],
  [170, 140, 116],
];
const glassColours: readonly Rgb[] = [
  [70, 92, 116],
  [112, 148, 172],
  [48, 56, 70],
  [206, 190, 130],
];

/**
 * An upright surface, in camera heights: panes, bricks, cladding or plaster. Outdoors it is a *skyscraper*, indoors a
 * *wall*; nothing in the surface itself tells which.
 */
export function facade(generator: Random): Surface {
  const colour = varied(generator, pick(generator, facadeColours), 16);
  const salt = generator.integer(0, 1 << 20);
  const kind = generator.next();
  if (kind < 0.45) {
    const texture = panes({
      width: generator.uniform(0.28, 0.6),
      height: generator.uniform(0.34, 0.7),
      frame: generator.uniform(0.25, 0.5),
      variety: generator.uniform(0.15, 0.5),
      salt,
    });
    const glass = varied(generator, pick(generator, glassColours), 14);
    return { colour, accent: mixed(colour, glass, generator.uniform(0.5, 1)), texture };
  }
  if (kind < 0.65) {
    const height = generator.uniform(0.1, 0.2);
    const texture = courses({ width: height * 2.6, height, joint: 0.02, variety: 0.22, salt });
    return { colour, accent: lit(colour, pick(generator, [0.7, 1.3])), texture };
  }
  if (kind < 0.82) {
    const texture = stripes({ width: generator.uniform(0.1, 0.24), strength: generator.uniform(0.4, 1) });
    return { colour, accent: lit(colour, pick(generator, [0.78, 1.2])), texture };
  }
  return { colour, texture: speckle({ size: 0.7, contrast: 0.16, grain: 0.05 }) };
}

const pavingColours: readonly Rgb[] = [
  [104, 104, 108],
  [128, 122, 114],
  [88, 90, 98],
  [140, 118, 98],
];

/** A level surface, in camera heights: asphalt, concrete, slabs or planks. Outdoors it is *road*, indoors *floor*. */
export function paving(generator: Random, slabs: number): Surface {
  const colour = varied(generator, pick(generator, pavingColours), 14);
  const salt = generator.integer(0, 1 << 20);
  if (!chance(generator, slabs)) {
    return { colour, texture: speckle({ size: 0.5, contrast: 0.14, grain: 0.13 }) };
  }
  const height = generator.uniform(0.16, 0.36);
  const width = height * generator.uniform(1, 4);
  const texture = courses({ width, height, joint: 0.03, variety: generator.uniform(0.08, 0.3), salt });
  return { colour, accent: lit(colour, 0.7), texture };
}

const leafColours: readonly Rgb[] = [
  [64, 108, 52],
  [88, 124, 56],
  [52, 92, 58],
  [124, 122, 52],
];

/** Leaves or blades, in sizes of `size`: on the ground it is *grass*, above it a *tree*. */
export function foliage(generator: Random, size: number): Surface {
  const colour = varied(generator, pick(generator, leafColours), 12);
  return {
    colour: lit(colour, 0.8),
    accent: lit(colour, 1.4),
    texture: speckle({ size, contrast: 0.5, grain: 0.16, accent: 0.8 }),
  };
}

const clothColours: readonly Rgb[] = [
  [216, 208, 200],
  [120, 142, 180],
  [176, 104, 110],
  [140, 168, 140],
  [196, 172, 120],
  [120, 104, 136],
];

/** Bedding, in camera heights: a *bed* and the *pillow* on it are of the same cloth. */
export function cloth(generator: Random): Surface {
  const colour = varied(generator, pick(generator, clothColours), 16);
  if (chance(generator, 0.5)) return { colour, texture: speckle({ size: 0.5, contrast: 0.14, grain: 0.04 }) };
  const texture = stripes({ width: generator.uniform(0.06, 0.12), strength: generator.uniform(0.4, 0.9) });
  return { colour, accent: lit(colour, pick(generator, [0.72, 1.2])), texture };
}

/** The colours of hulls, signs and clothes: a bright colour alone names no class. */
export const brightColours: readonly Rgb[] = [
  [196, 44, 46],
  [38, 86, 170],
  [228, 226, 220],
  [232, 178, 44],
  [44, 130, 92],
  [60, 62, 72],
  [222, 110, 40],
  [122, 158, 196],
];
