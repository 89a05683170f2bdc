import type { Random, Rgb } from "@pspnet/core";
import { type Camera, facingPlane, levelPlane, screenX, screenY, sidePlane } from "./camera.js";
import { type Canvas, fillBox, fillEllipse, fillPolygon, shadeEllipse, shadePolygon } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { lit, pick, varied } from "./color.js";
import { frontal } from "./plane.js";
import { drawWeather } from "./sky.js";
import { cloth, facade } from "./surfaces.js";
import { haze, speckle } from "./texture.js";

/** A bed whose head stands at the wall at depth `far`, in world coordinates. */
export interface Bed {
  readonly left: number;
  readonly right: number;
  readonly near: number;
  readonly far: number;
  readonly height: number;
}

/** Paints a bed with its headboard, and pillows of its own cloth. */
export function paintBed(canvas: Canvas, generator: Random, { camera, bed }: { camera: Camera; bed: Bed }): void {
  const { left, right, near, far, height } = bed;
  const label = sceneLabels.bed;
  const x = (world: number, z: number): number => screenX(camera, world, z);
  const y = (world: number, z: number): number => screenY(camera, world, z);
  const board = varied(
    generator,
    pick(generator, [
      [108, 76, 52],
      [70, 60, 56],
      [172, 150, 120],
      [150, 150, 152],
    ]),
    12,
  );
  const head = height + generator.uniform(0.22, 0.34);
  shadePolygon(
    canvas,
    [
      x(left - 0.12, near),
      y(0, near),
      x(left - 0.12, far),
      y(0, far),
      x(right + 0.12, far),
      y(0, far),
      x(right + 0.12, near),
      y(0, near),
    ],
    0.6,
  );
  fillBox(
    canvas,
    [x(left - 0.04, far), y(head, far), x(right + 0.04, far) - x(left - 0.04, far), y(0, far) - y(head, far)],
    {
      label,
      color: board,
      texture: speckle({ size: 0.6, contrast: 0.3 }),
      plane: facingPlane(camera, far),
    },
  );
  const linen = cloth(generator);
  const accent = linen.accent ?? linen.color;
  const shaded = (light: number) => ({ ...linen, label, color: lit(linen.color, light), accent: lit(accent, light) });
  for (const side of [left, right]) {
    const corners = [
      x(side, near),
      y(0.06, near),
      x(side, near),
      y(height, near),
      x(side, far),
      y(height, far),
      x(side, far),
      y(0.06, far),
    ];
    const seen = side === left ? side > 0 : side < 0;
    if (seen) fillPolygon(canvas, corners, { ...shaded(0.62), plane: sidePlane(camera, side) });
  }
  const top = [
    x(left, near),
    y(height, near),
    x(left, far),
    y(height, far),
    x(right, far),
    y(height, far),
    x(right, near),
    y(height, near),
  ];
  fillPolygon(canvas, top, { ...shaded(1), plane: levelPlane(camera, height) });
  const front = [
    x(left, near),
    y(height, near),
    x(right, near) - x(left, near),
    y(0.06, near) - y(height, near),
  ] as const;
  fillBox(canvas, front, { ...shaded(0.78), plane: facingPlane(camera, near) });
  const count = right - left > 1.1 ? 2 : 1;
  for (let i = 0; i < count; i++) {
    const width = ((right - left) / count) * 0.84;
    const middle = left + ((right - left) * (i + 0.5)) / count;
    paintPillow(canvas, generator, { camera, middle, width, z: far - 0.12, base: height, linen });
  }
}

/** A pillow leaning on the headboard: the bed's cloth, told from it by its rounded outline and its shadow. */
function paintPillow(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; middle: number; width: number; z: number; base: number; linen: ReturnType<typeof cloth> },
): void {
  const { camera, middle, width, z, base, linen } = options;
  const size = camera.focal / z;
  const half = (width / 2) * size;
  const tall = generator.uniform(0.3, 0.38) * size;
  const x = screenX(camera, middle, z);
  const bottom = screenY(camera, base, z) + tall * 0.3;
  const y = bottom - tall / 2;
  const label = sceneLabels.pillow;
  shadeEllipse(canvas, { x, y: bottom, radiusX: half * 1.08, radiusY: tall * 0.16 }, 0.66);
  const plane = frontal(x, y, size);
  const light = generator.uniform(1.02, 1.14);
  const paint = {
    ...linen,
    label,
    color: lit(linen.color, light),
    accent: lit(linen.accent ?? linen.color, light),
    plane,
  };
  const in8 = half * 0.12;
  fillPolygon(
    canvas,
    [
      x - half,
      y - tall / 2,
      x,
      y - tall * 0.44,
      x + half,
      y - tall / 2,
      x + half - in8,
      y,
      x + half,
      bottom,
      x,
      bottom - tall * 0.05,
      x - half,
      bottom,
      x - half + in8,
      y,
    ],
    paint,
  );
  shadePolygon(
    canvas,
    [
      x - half + in8,
      y + tall * 0.2,
      x + half - in8,
      y + tall * 0.2,
      x + half,
      bottom,
      x,
      bottom - tall * 0.05,
      x - half,
      bottom,
    ],
    0.82,
  );
  fillEllipse(
    canvas,
    { x, y: y - tall * 0.12, radiusX: half * 0.55, radiusY: tall * 0.2 },
    { ...paint, color: lit(paint.color, 1.06) },
  );
}

/** A window in a wall that faces the viewer: outdoors as seen through it, sky above towers, is all *window*. */
export function paintWindow(
  canvas: Canvas,
  generator: Random,
  {
    camera,
    z,
    box,
  }: { camera: Camera; z: number; box: readonly [left: number, bottom: number, width: number, height: number] },
): void {
  const [left, bottom, width, height] = box;
  const label = sceneLabels.window;
  const size = camera.focal / z;
  const x = screenX(camera, left, z);
  const y = screenY(camera, bottom + height, z);
  const w = width * size;
  const h = height * size;
  const frame: Rgb = varied(
    generator,
    pick(generator, [
      [232, 230, 224],
      [92, 72, 58],
      [60, 62, 66],
    ]),
    10,
  );
  const weather = drawWeather(generator);
  const bar = Math.min(w, h) * 0.07;
  fillBox(canvas, [x, y, w, h], { label, color: frame });
  fillBox(canvas, [x + bar, y + bar, w - 2 * bar, h - 2 * bar], {
    label,
    color: weather.zenith,
    accent: weather.horizon,
    texture: haze({ length: h, clouds: weather.clouds }),
    plane: frontal(x + generator.uniform(-6, 0), y),
  });
  const towers = generator.integer(0, 4);
  for (let i = 0; i < towers; i++) {
    const from = x + bar + (w - 2 * bar) * generator.uniform(0, 0.75);
    const tall = (h - 2 * bar) * generator.uniform(0.2, 0.6);
    const broad = Math.min(x + w - bar - from, w * generator.uniform(0.15, 0.3));
    fillBox(canvas, [from, y + h - bar - tall, broad, tall], {
      ...facade(generator),
      label,
      plane: facingPlane(camera, z * 3),
    });
  }
  if (w > h * 0.7) fillBox(canvas, [x + w / 2 - bar / 2, y, bar, h], { label, color: frame });
  if (h > w * 0.7) fillBox(canvas, [x, y + h * 0.42, w, bar], { label, color: frame });
}
