import type { Random } from "@pspnet/core";
import { paintBlock, paintSkyline } from "./buildings.js";
import { type Camera, drawCamera, levelPlane, project, screenY, worldX } from "./camera.js";
import { type Canvas, fillBox, fillPolygon } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { chance, lit } from "./colour.js";
import { shifted } from "./plane.js";
import { clearest, drawHeight, type Prop, type PropKind, paintProps } from "./props.js";
import { drawWeather, paintSky, type Weather } from "./sky.js";
import { foliage, paving } from "./surfaces.js";

/** Paints a street between towers: sky, towers, a road with cars, and on its verges people, trees, signs and lamps. */
export function paintStreet(canvas: Canvas, generator: Random): Weather {
  const { wide } = canvas;
  const camera = drawCamera(generator, canvas, { horizon: [0.34, 0.48], centre: [0.3, 0.7], focal: 0.62 });
  const weather = drawWeather(generator);
  paintSky(canvas, generator, { weather, bottom: camera.horizon + camera.focal / 8, label: sceneLabels.sky });
  const low = generator.uniform(0.1, 0.16);
  paintSkyline(canvas, generator, {
    camera,
    weather,
    skyline: { from: -0.05, to: wide, low, high: low + camera.horizon * 0.35, gaps: generator.uniform(0, 0.4) },
  });
  const half = generator.uniform(0.75, 1.05);
  paintGround(canvas, generator, { camera, half });
  for (const side of [-1, 1]) paintRow(canvas, generator, { camera, x: side * (half + generator.uniform(0.6, 1.1)) });
  const cars = traffic(canvas, generator, { camera, half });
  paintProps(canvas, generator, {
    camera,
    props: [...cars, ...verge(canvas, generator, { camera, half, cars })],
  });
  return weather;
}

/** Grass from the horizon down, and the road on it with its dashed middle. */
function paintGround(canvas: Canvas, generator: Random, { camera, half }: { camera: Camera; half: number }): void {
  const { wide, high } = canvas;
  const far = 9;
  const near = camera.focal / (high - camera.horizon) / 1.05;
  const plane = shifted(levelPlane(camera), generator.uniform(0, 8), generator.uniform(0, 8));
  const top = screenY(camera, 0, far);
  const grass = { ...foliage(generator, 0.7), label: sceneLabels.grass, plane };
  fillBox(canvas, [0, top, wide, high - top], grass);
  const strip = (left: number, right: number, from: number, to: number): number[] =>
    project(camera, [left, 0, from, left, 0, to, right, 0, to, right, 0, from]);
  const road = { ...paving(generator, 0.25), label: sceneLabels.road, plane };
  fillPolygon(canvas, strip(-half, half, near, far), road);
  if (chance(generator, 0.25)) return;
  const paint = { label: sceneLabels.road, colour: lit(road.colour, 1.7) };
  const first = generator.uniform(0, 0.7);
  for (let z = near + first; z < far; z += 0.9) fillPolygon(canvas, strip(-0.04, 0.04, z, z + 0.45), paint);
  for (const x of [-half * 0.93, half * 0.93]) fillPolygon(canvas, strip(x - 0.03, x + 0.03, near, far), paint);
}

/** Blocks behind one verge, the farthest first, with gaps. */
function paintRow(canvas: Canvas, generator: Random, { camera, x }: { camera: Camera; x: number }): void {
  if (chance(generator, 0.25)) return;
  const sun = generator.uniform(0.7, 1.1);
  const gaps = generator.uniform(0.1, 0.6);
  let far = 9;
  while (far > 1.7) {
    const near = Math.max(1.3, far * generator.uniform(0.55, 0.78));
    const block = { x, near, far, height: generator.uniform(1.6, 4.5), depth: 30 };
    if (!chance(generator, gaps)) paintBlock(canvas, generator, { camera, block, sun });
    far = near * generator.uniform(0.82, 0.98);
  }
}

/** Cars in both lanes. */
function traffic(canvas: Canvas, generator: Random, { camera, half }: { camera: Camera; half: number }): Prop[] {
  const cars: Prop[] = [];
  const count = generator.integer(2, 4);
  for (let i = 0; i < count; i++) {
    const z = generator.uniform(1.15, 2.8);
    const x = generator.uniform(-half * 0.6, half * 0.6);
    const edge = 0.12;
    const seen = Math.min(worldX(camera, canvas.wide - edge, z), Math.max(worldX(camera, edge, z), x));
    cars.push({ kind: "car", x: seen, z, height: drawHeight(generator, "car") });
  }
  return cars;
}

/** What stands on the verges, on both sides. */
function verge(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; half: number; cars: readonly Prop[] },
): Prop[] {
  const { camera, half, cars } = options;
  const props: Prop[] = [];
  const ranges: readonly [kind: PropKind, most: number, near: number, far: number][] = [
    ["tree", 3, 1.8, 3.4],
    ["person", 4, 1.4, 2.4],
    ["sign", 3, 1.3, 2.1],
    ["streetLamp", 3, 1.6, 2.6],
  ];
  for (const [kind, most, near, far] of ranges) {
    for (let i = generator.integer(1, most); i > 0; i--) {
      const candidates = Array.from({ length: 12 }, () => {
        const z = generator.uniform(near, far);
        return { kind, z, x: vergeX(canvas, generator, { camera, half, z }), height: drawHeight(generator, kind) };
      });
      props.push(clearest(camera, [...cars, ...props], candidates));
    }
  }
  return props;
}

/** A world X on a verge at depth z that the picture shows, or at least at its border. */
function vergeX(
  canvas: Canvas,
  generator: Random,
  { camera, half, z }: { camera: Camera; half: number; z: number },
): number {
  const margin = 0.05;
  const left = worldX(camera, margin, z);
  const right = worldX(camera, canvas.wide - margin, z);
  const off = half + generator.uniform(0.12, 0.8);
  const side = chance(generator, 0.5) ? 1 : -1;
  const seen = side * off > left && side * off < right;
  return Math.min(right, Math.max(left, seen ? side * off : -side * off));
}
