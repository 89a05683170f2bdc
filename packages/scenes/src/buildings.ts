import type { Random } from "@pspnet/core";
import { type Camera, facingPlane, project, screenX, screenY, sidePlane } from "./camera.js";
import { type Canvas, fillBox, fillPolygon } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { lit } from "./colour.js";
import { shifted } from "./plane.js";
import { hazed, type Weather } from "./sky.js";
import { facade } from "./surfaces.js";

/** A row of far towers that stand on the horizon, from x = `from` to `to`; heights in scene units. */
export interface Skyline {
  readonly from: number;
  readonly to: number;
  readonly low: number;
  readonly high: number;
  /** Share of the gaps between the towers, 0..1. */
  readonly gaps: number;
}

/** Paints a skyline; the air between pales it. */
export function paintSkyline(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; weather: Weather; skyline: Skyline },
): void {
  const { camera, weather, skyline } = options;
  let x = skyline.from;
  while (x < skyline.to) {
    const width = Math.min(generator.uniform(0.1, 0.24), Math.max(0.06, skyline.to - x));
    const height = generator.uniform(skyline.low, skyline.high);
    const surface = facade(generator);
    const depth = generator.uniform(5, 8);
    const share = generator.uniform(0.1, 0.4);
    const colour = hazed(surface.colour, weather, share);
    const accent = hazed(surface.accent ?? surface.colour, weather, share);
    const plane = shifted(facingPlane(camera, depth), generator.integer(0, 40) / 4, 0);
    if (generator.next() >= skyline.gaps) {
      const top = camera.horizon - height;
      const paint = { ...surface, label: sceneLabels.skyscraper, colour, accent, plane };
      fillBox(canvas, [x, top, width, height + camera.focal / 7], paint);
      const crown = generator.uniform(0.3, 0.6) * width;
      if (generator.next() < 0.4)
        fillBox(canvas, [x + (width - crown) / 2, top - height * 0.14, crown, height * 0.15], paint);
    }
    x += width;
  }
}

/** A block along the street, in world coordinates: its side is the plane X = x from depth `near` to `far`. */
export interface Block {
  readonly x: number;
  readonly near: number;
  readonly far: number;
  readonly height: number;
  /** Width of its front, away from the street. */
  readonly depth: number;
}

/** Paints a block's side, in perspective, and its front. */
export function paintBlock(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; block: Block; sun: number },
): void {
  const { camera, block, sun } = options;
  const { x, near, far, height } = block;
  const surface = facade(generator);
  const label = sceneLabels.skyscraper;
  const accent = surface.accent ?? surface.colour;
  const side = project(camera, [x, 0, near, x, height, near, x, height, far, x, 0, far]);
  fillPolygon(canvas, side, {
    ...surface,
    label,
    colour: lit(surface.colour, sun),
    accent: lit(accent, sun),
    plane: sidePlane(camera, x),
  });
  const outer = screenX(camera, x + Math.sign(x) * block.depth, near);
  const inner = screenX(camera, x, near);
  const top = screenY(camera, height, near);
  const front = [Math.min(inner, outer), top, Math.abs(outer - inner), screenY(camera, 0, near) - top] as const;
  const light = 1.9 - sun;
  fillBox(canvas, front, {
    ...surface,
    label,
    colour: lit(surface.colour, light),
    accent: lit(accent, light),
    plane: facingPlane(camera, near),
  });
}
