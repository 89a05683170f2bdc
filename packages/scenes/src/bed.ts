import type { Random, Rgb } from "@pspnet/core";
import { type Camera, facingPlane, levelPlane, project, screenX, screenY, sidePlane } from "./camera.js";
import { type Canvas, fillEllipse, fillPolygon, type Paint, shadeEllipse, shadePolygon } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { lit, pick, varied } from "./colour.js";
import { frontal } from "./plane.js";
import { cloth, type Surface } from "./surfaces.js";
import { speckle } from "./texture.js";

/** A bed whose head stands at the wall at depth `far`, in world coordinates. */
export interface Bed {
  readonly left: number;
  readonly right: number;
  readonly near: number;
  readonly far: number;
  readonly height: number;
}

const boardColours: readonly Rgb[] = [
  [108, 76, 52],
  [70, 60, 56],
  [172, 150, 120],
  [150, 150, 152],
];

/** Paints a bed with its headboard, and pillows of its own cloth. */
export function paintBed(canvas: Canvas, generator: Random, { camera, bed }: { camera: Camera; bed: Bed }): void {
  const { left, right, near, far, height } = bed;
  const board = varied(generator, pick(generator, boardColours), 12);
  const head = height + generator.uniform(0.3, 0.42);
  const rim = 0.12;
  shadePolygon(canvas, project(camera, flat(left - rim, right + rim, near, far, 0)), 0.6);
  fillPolygon(canvas, project(camera, upright(left - 0.04, right + 0.04, 0, head, far)), {
    label: sceneLabels.bed,
    colour: board,
    texture: speckle({ size: 0.6, contrast: 0.3 }),
    plane: facingPlane(camera, far),
  });
  const linen = cloth(generator);
  paintMattress(canvas, linen, { camera, bed });
  const count = right - left > 1.1 ? 2 : 1;
  const width = (right - left) / count;
  for (let i = 0; i < count; i++) {
    const pillow = { x: left + width * (i + 0.5), width: width * 0.88, z: far - 0.12, base: height };
    paintPillow(canvas, generator, { camera, pillow, linen });
  }
}

/** The mattress with its cloth: the side that is seen, if one is, then top and front. */
function paintMattress(canvas: Canvas, linen: Surface, { camera, bed }: { camera: Camera; bed: Bed }): void {
  const { left, right, near, far, height } = bed;
  const base = 0.06;
  const shaded = (light: number): Paint => inLight(linen, light, sceneLabels.bed);
  for (const x of [left, right]) {
    const seen = x === left ? x > 0 : x < 0;
    const side = [x, base, near, x, height, near, x, height, far, x, base, far];
    if (seen) fillPolygon(canvas, project(camera, side), { ...shaded(0.62), plane: sidePlane(camera, x) });
  }
  const top = project(camera, flat(left, right, near, far, height));
  fillPolygon(canvas, top, { ...shaded(1), plane: levelPlane(camera, height) });
  const front = project(camera, upright(left, right, base, height, near));
  fillPolygon(canvas, front, { ...shaded(0.78), plane: facingPlane(camera, near) });
}

/** A pillow's middle, width, depth and the height that it lies on, in world coordinates. */
interface Pillow {
  readonly x: number;
  readonly width: number;
  readonly z: number;
  readonly base: number;
}

/** A pillow leaning on the headboard: the bed's cloth, told from it by its outline and its shadow. */
function paintPillow(
  canvas: Canvas,
  generator: Random,
  { camera, pillow, linen }: { camera: Camera; pillow: Pillow; linen: Surface },
): void {
  const size = camera.focal / pillow.z;
  const half = (pillow.width / 2) * size;
  const tall = generator.uniform(0.38, 0.46) * size;
  const x = screenX(camera, pillow.x, pillow.z);
  const bottom = screenY(camera, pillow.base, pillow.z) + tall * 0.3;
  const at = (...corners: readonly number[]): number[] =>
    corners.map((share, i) => (i % 2 === 0 ? x + share * half : bottom - share * tall));
  shadeEllipse(canvas, { x, y: bottom, radiusX: half * 1.08, radiusY: tall * 0.16 }, 0.66);
  const paint = {
    ...inLight(linen, generator.uniform(1.02, 1.14), sceneLabels.pillow),
    plane: frontal(x, bottom, size),
  };
  fillPolygon(canvas, at(-1, 1, 0, 0.94, 1, 1, 0.88, 0.5, 1, 0, 0, 0.05, -1, 0, -0.88, 0.5), paint);
  shadePolygon(canvas, at(-0.88, 0.3, 0.88, 0.3, 1, 0, 0, 0.05, -1, 0), 0.82);
  const swell = { x, y: bottom - tall * 0.62, radiusX: half * 0.55, radiusY: tall * 0.2 };
  fillEllipse(canvas, swell, { ...paint, colour: lit(paint.colour, 1.06) });
}

/** A surface as a paint of `label`, brighter or darker. */
function inLight(surface: Surface, light: number, label: number): Paint {
  const accent = surface.accent ?? surface.colour;
  return { ...surface, label, colour: lit(surface.colour, light), accent: lit(accent, light) };
}

/** The corners (X, Y, Z) of a level rectangle at height y. */
function flat(left: number, right: number, near: number, far: number, y: number): number[] {
  return [left, y, near, left, y, far, right, y, far, right, y, near];
}

/** The corners (X, Y, Z) of an upright rectangle that faces the viewer at depth z. */
function upright(left: number, right: number, bottom: number, top: number, z: number): number[] {
  return [left, bottom, z, left, top, z, right, top, z, right, bottom, z];
}
