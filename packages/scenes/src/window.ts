import type { Random, Rgb } from "@pspnet/core";
import { type Camera, facingPlane, screenX, screenY } from "./camera.js";
import { type Canvas, fillBox } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { pick, varied } from "./colour.js";
import { frontal, type Plane } from "./plane.js";
import { drawWeather } from "./sky.js";
import { facade } from "./surfaces.js";
import { haze } from "./texture.js";

/** A window's place in its wall, in world coordinates. */
export interface WindowBox {
  readonly left: number;
  readonly bottom: number;
  readonly width: number;
  readonly height: number;
}

const frameColours: readonly Rgb[] = [
  [232, 230, 224],
  [92, 72, 58],
  [60, 62, 66],
];

/** A window in a wall that faces the viewer: outdoors as seen through it, sky above towers, is all *window*. */
export function paintWindow(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; z: number; box: WindowBox },
): void {
  const { camera, z } = options;
  const { left, bottom, width, height } = options.box;
  const label = sceneLabels.window;
  const size = camera.focal / z;
  const x = screenX(camera, left, z);
  const y = screenY(camera, bottom + height, z);
  const w = width * size;
  const h = height * size;
  const frame = varied(generator, pick(generator, frameColours), 10);
  const weather = drawWeather(generator);
  const bar = Math.min(w, h) * 0.07;
  const pane = [x + bar, y + bar, w - 2 * bar, h - 2 * bar] as const;
  fillBox(canvas, [x, y, w, h], { label, colour: frame });
  fillBox(canvas, pane, {
    label,
    colour: weather.zenith,
    accent: weather.horizon,
    texture: haze({ length: h, clouds: weather.clouds }),
    plane: frontal(x + generator.uniform(-6, 0), y),
  });
  paintView(canvas, generator, { plane: facingPlane(camera, z * 3), pane });
  if (w > h * 0.7) fillBox(canvas, [x + w / 2 - bar / 2, y, bar, h], { label, colour: frame });
  if (h > w * 0.7) fillBox(canvas, [x, y + h * 0.42, w, bar], { label, colour: frame });
}

/** The towers seen through a pane: x, y, width and height in scene units. */
function paintView(
  canvas: Canvas,
  generator: Random,
  options: { plane: Plane; pane: readonly [x: number, y: number, w: number, h: number] },
): void {
  const { plane, pane } = options;
  const [x, y, w, h] = pane;
  const towers = generator.integer(0, 4);
  for (let i = 0; i < towers; i++) {
    const from = x + w * generator.uniform(0, 0.75);
    const tall = h * generator.uniform(0.2, 0.6);
    const broad = Math.min(x + w - from, w * generator.uniform(0.17, 0.35));
    fillBox(canvas, [from, y + h - tall, broad, tall], { ...facade(generator), label: sceneLabels.window, plane });
  }
}
