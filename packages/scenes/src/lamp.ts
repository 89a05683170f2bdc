import type { Random, Rgb } from "@pspnet/core";
import { type Canvas, fillEllipse, fillPolygon, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { lit, mixed, pick, varied } from "./colour.js";
import { frontal } from "./plane.js";
import { ellipseOnStand, onStand, type Stand } from "./stand.js";
import { speckle } from "./texture.js";

/** A street lamp: a lantern on a stout column. About half of the height wide. */
export function paintStreetLamp(canvas: Canvas, generator: Random, stand: Stand): void {
  const label = sceneLabels.lamp;
  const iron = varied(generator, [52, 56, 62], 10);
  const glow = mixed([255, 236, 176], [206, 212, 214], generator.next());
  shadeEllipse(canvas, ellipseOnStand(stand, { x: 0, y: 0, radiusX: 0.14, radiusY: 0.03 }), 0.6);
  const column = [-0.14, 0, -0.085, 0.13, -0.07, 0.55, 0.07, 0.55, 0.085, 0.13, 0.14, 0];
  fillPolygon(canvas, onStand(stand, column), { label, colour: iron });
  fillPolygon(canvas, onStand(stand, [-0.14, 0.53, -0.22, 0.85, 0.22, 0.85, 0.14, 0.53]), { label, colour: glow });
  fillPolygon(canvas, onStand(stand, [-0.25, 0.84, 0, 1, 0.25, 0.84]), { label, colour: iron });
}

const stemColours: readonly Rgb[] = [
  [70, 54, 44],
  [150, 130, 90],
  [60, 62, 68],
];
const shadeColours: readonly Rgb[] = [
  [250, 226, 170],
  [240, 232, 214],
  [244, 200, 140],
];

/** A room lamp: a shade on a stem with a foot. About 0.6 of the height wide. */
export function paintRoomLamp(canvas: Canvas, generator: Random, stand: Stand): void {
  const label = sceneLabels.lamp;
  const stem = varied(generator, pick(generator, stemColours), 10);
  const shade = varied(generator, pick(generator, shadeColours), 10);
  const top = generator.uniform(0.16, 0.24);
  shadeEllipse(canvas, ellipseOnStand(stand, { x: 0, y: 0, radiusX: 0.2, radiusY: 0.05 }), 0.6);
  const foot = { x: 0, y: 0.025, radiusX: 0.18, radiusY: 0.045 };
  fillEllipse(canvas, ellipseOnStand(stand, foot), { label, colour: lit(stem, 0.8) });
  fillPolygon(canvas, onStand(stand, [-0.065, 0.02, -0.065, 0.7, 0.065, 0.7, 0.065, 0.02]), { label, colour: stem });
  fillPolygon(canvas, onStand(stand, [-0.31, 0.54, -top, 1, top, 1, 0.31, 0.54]), {
    label,
    colour: lit(shade, 0.86),
    accent: [255, 250, 226],
    texture: speckle({ size: stand.height, contrast: 0.08, accent: 0.9 }),
    plane: frontal(stand.x, stand.foot),
  });
}
