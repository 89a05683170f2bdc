import type { Random } from "@pspnet/core";
import { type Canvas, fillEllipse, fillPolygon, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { chance, lit, mixed, pick, varied } from "./colour.js";
import { ellipseOnStand, onStand, type Stand } from "./stand.js";
import { brightColours } from "./surfaces.js";

/** A board on a short post: a traffic sign or a notice. Round, square or a diamond, about 0.8 of the height wide. */
export function paintSign(canvas: Canvas, generator: Random, stand: Stand): void {
  const label = sceneLabels.sign;
  const ground = varied(generator, pick(generator, brightColours), 12);
  const print = ground[0] + ground[1] + ground[2] > 400 ? lit(ground, 0.25) : mixed(ground, [255, 255, 255], 0.9);
  const y = 0.61;
  shadeEllipse(canvas, ellipseOnStand(stand, { x: 0, y: 0, radiusX: 0.18, radiusY: 0.04 }), 0.6);
  fillPolygon(canvas, onStand(stand, [-0.08, 0, -0.08, y, 0.08, y, 0.08, 0]), { label, colour: [118, 120, 124] });
  const shape = generator.integer(0, 3);
  for (const [r, colour] of [
    [0.39, print],
    [0.33, ground],
  ] as const) {
    const board = shape === 1 ? [-r, y - r, -r, y + r, r, y + r, r, y - r] : [0, y - r, -r, y, 0, y + r, r, y];
    if (shape === 0) fillEllipse(canvas, ellipseOnStand(stand, { x: 0, y, radiusX: r, radiusY: r }), { label, colour });
    else fillPolygon(canvas, onStand(stand, board), { label, colour });
  }
  const [across, up] = chance(generator, 0.5) ? [0.18, 0.055] : [0.055, 0.18];
  const bar = [-across, y - up, -across, y + up, across, y + up, across, y - up];
  fillPolygon(canvas, onStand(stand, bar), { label, colour: print });
}
