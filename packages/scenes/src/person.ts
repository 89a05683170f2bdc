import type { Random, Rgb } from "@pspnet/core";
import { type Canvas, fillEllipse, fillPolygon, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { lit, pick, varied } from "./colour.js";
import { ellipseOnStand, onStand, type Stand } from "./stand.js";
import { brightColours } from "./surfaces.js";
import { speckle } from "./texture.js";

const skinColours: readonly Rgb[] = [
  [224, 176, 146],
  [188, 132, 98],
  [124, 82, 60],
  [94, 62, 48],
];
const hairColours: readonly Rgb[] = [
  [44, 34, 28],
  [104, 74, 44],
  [176, 150, 104],
];

/** A person who stands or walks. About 0.45 of the height wide. */
export function paintPerson(canvas: Canvas, generator: Random, stand: Stand): void {
  const label = sceneLabels.person;
  const skin = pick(generator, skinColours);
  const coat = varied(generator, pick(generator, brightColours), 14);
  const trousers = varied(generator, pick(generator, brightColours), 14);
  const hair = pick(generator, hairColours);
  const stride = generator.uniform(0, 0.03);
  shadeEllipse(canvas, ellipseOnStand(stand, { x: 0, y: 0, radiusX: 0.28, radiusY: 0.05 }), 0.55);
  const texture = speckle({ size: stand.height / 2, contrast: 0.16 });
  for (const side of [-1, 1]) {
    const leg = [0, 0.48, side * 0.19, 0.48, side * (0.17 + stride), 0, side * (0.01 + stride), 0];
    fillPolygon(canvas, onStand(stand, leg), { label, colour: lit(trousers, side < 0 ? 0.75 : 0.6) });
    const arm = [side * 0.1, 0.83, side * 0.22, 0.79, side * 0.26, 0.42, side * 0.14, 0.42];
    fillPolygon(canvas, onStand(stand, arm), { label, colour: lit(coat, 0.8) });
  }
  const torso = [-0.19, 0.82, 0.19, 0.82, 0.19, 0.43, -0.19, 0.43];
  fillPolygon(canvas, onStand(stand, torso), { label, colour: coat, texture });
  fillEllipse(canvas, ellipseOnStand(stand, { x: 0, y: 0.895, radiusX: 0.11, radiusY: 0.11 }), {
    label,
    colour: skin,
  });
  fillEllipse(canvas, ellipseOnStand(stand, { x: 0, y: 0.955, radiusX: 0.11, radiusY: 0.06 }), {
    label,
    colour: hair,
  });
}
