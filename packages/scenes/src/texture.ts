import { cellValue, cloudTable, grainTable, sample } from "./noise.js";

/** One row of pixels on its way through a texture: it reads u and v and writes tone and accent. */
export interface Line {
  /** Coordinates on the surface. */
  readonly u: Float32Array;
  readonly v: Float32Array;
  /** What the colour is multiplied with; 1 keeps it. */
  readonly tone: Float32Array;
  /** How much of the accent colour is mixed in, 0..1. */
  readonly accent: Float32Array;
  /** Length on the surface that one pixel spans near the middle of the run. */
  pixel: number;
}

/** Fills `tone` and `accent` of the columns from `from` to `to` (exclusive). */
export type Texture = (line: Line, from: number, to: number) => void;

/** Detail finer than a pixel would flicker: 1 where a cell of `size` is wide on the picture, 0 below two pixels. */
function detail(line: Line, size: number): number {
  return Math.min(1, Math.max(0, size / line.pixel / 2 - 1));
}

/** How a {@link speckle} looks: sizes in surface units. */
export interface Speckle {
  /** Size of a patch. */
  readonly size: number;
  /** How much the tone varies from patch to patch, 0..1. */
  readonly contrast: number;
  /** How much it varies from grain to grain, 0..1. */
  readonly grain?: number;
  /** Share of the accent colour in the brightest patches, 0..1. */
  readonly accent?: number;
}

/** Soft patches and fine grain: asphalt, plaster, leaves, grass, cloth. */
export function speckle({ size, contrast, grain = 0, accent = 0 }: Speckle): Texture {
  const patch = 32 / size;
  const fine = 256 / size;
  const [clouds, grains] = [cloudTable(), grainTable()];
  return (line, from, to) => {
    const { u, v, tone } = line;
    const patches = contrast * 2 * Math.max(0.25, detail(line, size));
    const grainy = grain * Math.max(0.3, detail(line, size / 12));
    for (let x = from; x < to; x++) {
      const cloud = sample(clouds, u[x] * patch, v[x] * patch);
      const speck = grainy === 0 ? 0 : sample(grains, u[x] * fine, v[x] * fine);
      tone[x] = 1 + (cloud - 0.5) * patches + speck * grainy;
      line.accent[x] = accent * cloud;
    }
  };
}

/** How {@link panes} look: sizes in surface units. */
export interface Panes {
  readonly width: number;
  readonly height: number;
  /** Share of a cell's width and height that the frame takes, 0..1. */
  readonly frame: number;
  /** How much the panes differ from one another, 0..1. */
  readonly variety: number;
  readonly salt: number;
}

/** Rows of panes of the accent colour in frames of the first: windows of a tower, panels of a wall. */
export function panes({ width, height, frame, variety, salt }: Panes): Texture {
  const covered = (1 - frame) * (1 - frame);
  return (line, from, to) => {
    const { u, v, tone, accent } = line;
    const sharp = detail(line, Math.min(width, height));
    const edge = frame / 2;
    for (let x = from; x < to; x++) {
      const across = u[x] / width;
      const down = v[x] / height;
      const i = Math.floor(across);
      const j = Math.floor(down);
      const inside = Math.abs(across - i - 0.5) < 0.5 - edge && Math.abs(down - j - 0.5) < 0.5 - edge;
      const value = inside ? cellValue(i, j, salt) - 0.5 : 0;
      accent[x] = covered + ((inside ? 1 : 0) - covered) * sharp;
      tone[x] = 1 + value * variety * sharp;
    }
  };
}

/** How {@link courses} look: sizes in surface units. */
export interface Courses {
  readonly width: number;
  readonly height: number;
  /** Width of the joints, in surface units. */
  readonly joint: number;
  readonly variety: number;
  readonly salt: number;
}

/** Staggered blocks with joints of the accent colour: bricks, planks, tiles, paving. */
export function courses({ width, height, joint, variety, salt }: Courses): Texture {
  const clouds = cloudTable();
  return (line, from, to) => {
    const { u, v, tone, accent } = line;
    const sharp = detail(line, Math.min(width, height));
    const joints = Math.min(1, joint / line.pixel);
    const half = Math.max(joint, line.pixel) / 2;
    for (let x = from; x < to; x++) {
      const row = Math.floor(v[x] / height);
      const along = u[x] / width + cellValue(row, 7, salt);
      const block = Math.floor(along);
      const gapX = (0.5 - Math.abs(along - block - 0.5)) * width;
      const gapY = (0.5 - Math.abs(v[x] / height - row - 0.5)) * height;
      accent[x] = Math.min(gapX, gapY) < half ? joints * sharp : 0;
      const cloud = sample(clouds, along * 23, v[x] * (32 / height));
      tone[x] = 1 + (cellValue(block, row, salt) - 0.5) * variety * sharp + (cloud - 0.5) * 0.2;
    }
  };
}

/** Upright stripes of the accent colour, each `width` wide: wallpaper, cladding, bedding. */
export function stripes({ width, strength }: { readonly width: number; readonly strength: number }): Texture {
  const clouds = cloudTable();
  return (line, from, to) => {
    const { u, v, tone, accent } = line;
    const sharp = detail(line, width);
    for (let x = from; x < to; x++) {
      const across = u[x] / width / 2;
      const striped = across - Math.floor(across) < 0.5 ? 1 : 0;
      accent[x] = strength * (0.5 + (striped - 0.5) * sharp);
      tone[x] = 0.94 + 0.12 * sample(clouds, u[x] * 40, v[x] * 40);
    }
  };
}

/** Accent towards larger v (0 at 0, 1 at `length`) with clouds of the same colour: sky. */
export function haze({ length, clouds }: { readonly length: number; readonly clouds: number }): Texture {
  const noise = cloudTable();
  return (line, from, to) => {
    const { u, v, tone, accent } = line;
    for (let x = from; x < to; x++) {
      const cloud = sample(noise, u[x] * 40, v[x] * 90) - 0.45;
      const fade = Math.min(1, Math.max(0, v[x] / length));
      accent[x] = Math.min(1, fade + Math.max(0, cloud) * clouds * 2.4);
      tone[x] = 1;
    }
  };
}

/** Ripples that grow towards the viewer, with glints of the accent colour: water, on a level plane. */
export function ripples({ size, glint }: { readonly size: number; readonly glint: number }): Texture {
  const clouds = cloudTable();
  return (line, from, to) => {
    const { u, v, tone, accent } = line;
    const sharp = Math.max(0.3, detail(line, size));
    for (let x = from; x < to; x++) {
      const swell = sample(clouds, u[x] * (14 / size), v[x] * (40 / size)) - 0.5;
      const chop = sample(clouds, u[x] * (44 / size) + 91, v[x] * (150 / size)) - 0.5;
      const wave = (swell * 0.5 + chop) * sharp;
      tone[x] = 1 + wave * 0.35;
      accent[x] = Math.min(1, Math.max(0, glint + wave * 1.3));
    }
  };
}
