import type { Random } from "@pspnet/core";
import { paintBed } from "./bed.js";
import { type Camera, drawCamera, facingPlane, levelPlane, screenX, screenY, sidePlane, worldX } from "./camera.js";
import { type Canvas, fillBox, fillPolygon, shadePolygon } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { chance, lit, mixed, pick } from "./colour.js";

import { shifted } from "./plane.js";
import { clearest, drawHeight, type Prop, paintProps } from "./props.js";
import type { Weather } from "./sky.js";
import { facade, paving } from "./surfaces.js";
import { paintWindow } from "./window.js";

/** A room: the wall ahead at depth `back`, and where a side wall stands, if one is seen. */
interface Room {
  readonly camera: Camera;
  readonly back: number;
  readonly sides: readonly number[];
}

/** Paints a bedroom: walls, floor, a window, a bed with pillows, lamps and people. */
export function paintIndoor(canvas: Canvas, generator: Random): Pick<Weather, "tint"> {
  const { wide } = canvas;
  const camera = drawCamera(generator, canvas, { horizon: [0.3, 0.42], centre: [0.35, 0.65], focal: 0.68 });
  const back = generator.uniform(1.7, 2.2);
  const sides: number[] = [];
  if (chance(generator, 0.6)) sides.push(worldX(camera, generator.uniform(0.03, 0.2), back));
  if (chance(generator, 0.6)) sides.push(worldX(camera, wide - generator.uniform(0.03, 0.2), back));
  const room: Room = { camera, back, sides };
  paintShell(canvas, generator, room);
  const left = Math.max(worldX(camera, 0.02, back), ...sides.filter((x) => x < 0));
  const right = Math.min(worldX(camera, wide - 0.02, back), ...sides.filter((x) => x > 0));
  furnish(canvas, generator, { room, left, right });
  const lamplight = pick(generator, [
    [1.08, 1, 0.86],
    [1.02, 1, 0.96],
    [0.98, 1, 1.04],
  ] as const);
  return { tint: mixed([0, 0, 0], lamplight, generator.uniform(0.8, 1.12)) };
}

function paintShell(canvas: Canvas, generator: Random, { camera, back, sides }: Room): void {
  const { wide, high } = canvas;
  const label = sceneLabels.wall;
  const skirting = screenY(camera, 0, back);
  const walls = facade(generator);
  const accent = walls.accent ?? walls.colour;
  const start = generator.uniform(0, 4);
  fillBox(canvas, [0, 0, wide, skirting + 0.01], {
    ...walls,
    label,
    plane: shifted(facingPlane(camera, back), start, 0),
  });
  const ground = shifted(levelPlane(camera), generator.uniform(0, 8), generator.uniform(0, 8));
  fillBox(canvas, [0, skirting, wide, high - skirting], {
    ...paving(generator, 0.7),
    label: sceneLabels.floor,
    plane: ground,
  });
  for (const x of sides) {
    const corner = screenX(camera, x, back);
    const near = 0.3;
    const edge = screenX(camera, x, near);
    const light = generator.uniform(0.66, 0.86);
    fillPolygon(canvas, [corner, -0.01, edge, -0.01, edge, screenY(camera, 0, near), corner, skirting], {
      ...walls,
      label,
      colour: lit(walls.colour, light),
      accent: lit(accent, light),
      plane: sidePlane(camera, x),
    });
  }
  shadePolygon(canvas, [0, skirting, wide, skirting, wide, skirting + 0.02, 0, skirting + 0.02], 0.8);
}

/** The room's things, from the back to the front; `left` and `right` bound the wall ahead (world X). */
function furnish(canvas: Canvas, generator: Random, options: { room: Room; left: number; right: number }): void {
  const { room, left, right } = options;
  const { camera, back } = room;
  paintWindows(canvas, generator, options);
  const span = right - left;
  const width = Math.min(span * 0.55, generator.uniform(1.1, 1.6));
  const gap = 0.06 + span * generator.uniform(0.05, 0.2);
  const start = chance(generator, 0.5) ? left + gap : right - width - gap;
  const near = generator.uniform(1.05, 1.3);
  const bed = { left: start, right: start + width, near, far: back - 0.02, height: generator.uniform(0.3, 0.42) };
  const free = bed.left - left > right - bed.right ? [left, bed.left] : [bed.right, right];
  const x = free[0] + (free[1] - free[0]) * generator.uniform(0.3, 0.7);
  const lamp: Prop = { kind: "roomLamp", x, z: back - 0.15, height: drawHeight(generator, "roomLamp") };
  paintProps(canvas, generator, { camera, props: [lamp] });
  paintBed(canvas, generator, { camera, bed });
  paintProps(canvas, generator, { camera, props: people(canvas, generator, { room, free, lamp }) });
}

/** Windows in the wall ahead: one, or more where the wall is long. */
function paintWindows(canvas: Canvas, generator: Random, options: { room: Room; left: number; right: number }): void {
  const { room, left, right } = options;
  const { camera, back } = room;
  const top = (camera.horizon * back) / camera.focal + 1;
  const count = Math.max(1, Math.round((right - left) / 3));
  const part = (right - left) / count;
  for (let i = 0; i < count; i++) {
    const width = Math.min(part * 0.8, generator.uniform(0.7, 1.3));
    const bottom = generator.uniform(0.85, 0.98);
    const height = Math.min(generator.uniform(0.65, 1.05), Math.max(0.3, top - bottom - 0.06));
    const box = { left: left + part * i + (part - width) * generator.uniform(0.1, 0.9), bottom, width, height };
    paintWindow(canvas, generator, { camera, z: back, box });
  }
}

/** At most two people beside the bed or before it, and sometimes a second lamp near the viewer. */
function people(
  canvas: Canvas,
  generator: Random,
  { room, free, lamp }: { room: Room; free: readonly number[]; lamp: Prop },
): Prop[] {
  const { camera, back } = room;
  const props: Prop[] = [];
  const seen = (x: number, z: number): number =>
    Math.min(worldX(camera, canvas.wide - 0.06, z), Math.max(worldX(camera, 0.06, z), x));
  const places = Math.max(1, Math.floor((free[1] - free[0]) / 0.6));
  const count = Math.min(generator.integer(0, 3), places);
  for (let i = 0; i < count; i++) {
    const candidates = Array.from({ length: 10 }, () => {
      const z = generator.uniform(1.25, back - 0.25);
      const x = seen(generator.uniform(free[0], free[1]), z);
      return { kind: "person" as const, z, x, height: drawHeight(generator, "person") };
    });
    props.push(clearest(camera, [lamp, ...props], candidates));
  }
  if (chance(generator, 0.4)) {
    const z = generator.uniform(1.1, 1.4);
    const x = seen(chance(generator, 0.5) ? -9 : 9, z);
    props.push({ kind: "roomLamp", z, x, height: drawHeight(generator, "roomLamp", 0.9) });
  }
  return props;
}
