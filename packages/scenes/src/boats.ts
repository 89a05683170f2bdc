import type { Random } from "@pspnet/core";
import { type Camera, screenX, screenY, worldX } from "./camera.js";
import { type Canvas, fillPolygon, type Paint, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { hullLook, paintHull } from "./hull.js";

/** Share of a hull's height that is under water. */
const draught = 0.15;

/** Paints boats side by side on the water, none nearer than the depth `nearest`; `water` is what hides their keels. */
export function paintBoats(
  canvas: Canvas,
  generator: Random,
  { camera, water, nearest }: { readonly camera: Camera; readonly water: Paint; readonly nearest: number },
): void {
  const { wide } = canvas;
  const count = generator.integer(2, 4) + Math.floor((wide - 1) * 2);
  const berths = Array.from({ length: count }, (_, i) => {
    const z = generator.uniform(nearest, Math.max(nearest + 0.3, 2.3));
    const middle = (wide * (i + generator.uniform(0.25, 0.75))) / count;
    return { z, x: worldX(camera, middle, z), length: generator.uniform(1, 1.4) };
  });
  for (const { x, z, length } of berths.sort((left, right) => right.z - left.z)) {
    const size = camera.focal / z;
    paintBoat(canvas, generator, {
      x: screenX(camera, x, z),
      line: screenY(camera, 0, z),
      length: length * size,
      water,
    });
  }
}

/** One boat that floats at the picture's y = `line`. */
function paintBoat(
  canvas: Canvas,
  generator: Random,
  boat: { readonly x: number; readonly line: number; readonly length: number; readonly water: Paint },
): void {
  const { x, line, length, water } = boat;
  const look = hullLook(generator);
  const bottom = line + draught * look.height * length;
  paintHull(canvas, look, { x, bottom, length }, sceneLabels.boat);
  const keel = bottom + length * 0.02;
  fillPolygon(canvas, [x - length / 2, line, x + length / 2, line, x + length / 2, keel, x - length / 2, keel], water);
  shadeEllipse(canvas, { x, y: line + length * 0.05, radiusX: length * 0.5, radiusY: length * 0.055 }, 0.5);
}
