import type { Random } from "@pspnet/core";
import { paintBoats } from "./boats.js";
import { paintSkyline } from "./buildings.js";
import { type Camera, drawCamera, levelPlane, worldX } from "./camera.js";
import { type Canvas, fillBox, fillPolygon, type Paint, shadePolygon } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { chance, mixed, pick, varied } from "./colour.js";
import { frontal, shifted } from "./plane.js";
import { clearest, drawHeight, type Prop, type PropKind, paintProps } from "./props.js";
import { drawWeather, paintSky, type Weather } from "./sky.js";
import { foliage, paving } from "./surfaces.js";
import { ripples } from "./texture.js";

/** Seen from higher up than a street: everything is smaller, in heights of the camera. */
const shoreScale = 0.54;

/** Paints a shore: water with boats between a far bank of trees or towers and a near one, a quay with cars or a meadow. */
export function paintShore(canvas: Canvas, generator: Random): Weather {
  const { wide } = canvas;
  const camera = drawCamera(generator, canvas, { horizon: [0.26, 0.38], centre: [0.35, 0.65], focal: 0.68 });
  const weather = drawWeather(generator);
  paintSky(canvas, generator, { weather, bottom: camera.horizon + 0.02, label: sceneLabels.sky });
  if (chance(generator, 0.6)) {
    const from = generator.uniform(-0.3, 0.5) * wide;
    const low = generator.uniform(0.06, 0.1);
    const skyline = {
      from,
      to: from + generator.uniform(0.4, 0.9) * wide,
      low,
      high: low + camera.horizon * 0.5,
      gaps: 0.15,
    };
    paintSkyline(canvas, generator, { camera, weather, skyline });
  }
  if (chance(generator, 0.7)) paintFarBank(canvas, generator, camera);
  const water = paintWater(canvas, generator, { camera, weather });
  const left = camera.horizon + camera.focal * generator.uniform(0.56, 0.86);
  const edge: Edge = { left, right: left + generator.uniform(-0.16, 0.16) * camera.focal };
  const quay = chance(generator, 0.65);
  const nearest = camera.focal / (Math.min(edge.left, edge.right) - 0.03 - camera.horizon);
  paintBoats(canvas, generator, { camera, water, nearest });
  paintNearBank(canvas, generator, { camera, edge, quay });
  paintProps(canvas, generator, { camera, props: bankProps(canvas, generator, { camera, edge, quay }) });
  return weather;
}

/** The picture's y of the line between water and near bank at its left and right end. */
interface Edge {
  readonly left: number;
  readonly right: number;
}

/** Trees on the horizon, as hills of leaves. */
function paintFarBank(canvas: Canvas, generator: Random, camera: Camera): void {
  const { wide } = canvas;
  const leaves = foliage(generator, 0.16);
  const height = generator.uniform(0.06, 0.12);
  const corners: number[] = [];
  const from = generator.uniform(-0.5, 0.3) * wide;
  const to = from + generator.uniform(0.6, 1.3) * wide;
  const steps = 16;
  for (let i = 0; i <= steps; i++) {
    const share = i / steps;
    const swell = 4 * share * (1 - share);
    corners.push(from + (to - from) * share, camera.horizon - height * (swell * 0.8 + generator.uniform(0, 0.25)));
  }
  corners.push(to, camera.horizon + 0.02, from, camera.horizon + 0.02);
  fillPolygon(canvas, corners, { ...leaves, label: sceneLabels.tree, plane: frontal(generator.uniform(-3, 0), 0) });
}

/** Water from the horizon down; what stands on the far bank darkens it. Returns the water's paint. */
function paintWater(
  canvas: Canvas,
  generator: Random,
  { camera, weather }: { camera: Camera; weather: Weather },
): Paint {
  const { wide, high } = canvas;
  const top = camera.horizon + 0.012;
  const deep = varied(
    generator,
    pick(generator, [
      [44, 92, 122],
      [58, 104, 108],
      [62, 84, 108],
      [84, 112, 116],
    ]),
    10,
  );
  const water: Paint = {
    label: sceneLabels.water,
    colour: mixed(deep, weather.zenith, 0.25),
    accent: weather.horizon,
    texture: ripples({ size: generator.uniform(0.5, 1), glint: generator.uniform(0.1, 0.4) }),
    plane: shifted(levelPlane(camera), generator.uniform(0, 8), generator.uniform(0, 8)),
  };
  fillBox(canvas, [0, top, wide, high - top], water);
  shadePolygon(canvas, [0, top, wide, top, wide, top + 0.045, 0, top + 0.03], 0.85);
  return water;
}

function paintNearBank(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; edge: Edge; quay: boolean },
): void {
  const { camera, edge, quay } = options;
  const { wide, high } = canvas;
  const plane = shifted(levelPlane(camera), generator.uniform(0, 8), generator.uniform(0, 8));
  const surface = quay ? paving(generator, 0.4) : foliage(generator, 0.7);
  const label = quay ? sceneLabels.road : sceneLabels.grass;
  const curb = 0.022;
  shadePolygon(canvas, [0, edge.left - curb, wide, edge.right - curb, wide, edge.right, 0, edge.left], 0.55);
  fillPolygon(canvas, [0, edge.left, wide, edge.right, wide, high, 0, high], { ...surface, label, plane });
}

/** What stands on the near bank: feet below its edge, so on the bank. */
function bankProps(canvas: Canvas, generator: Random, options: { camera: Camera; edge: Edge; quay: boolean }): Prop[] {
  const { camera, edge, quay } = options;
  const { wide, high } = canvas;
  const farthest = camera.focal / (Math.max(edge.left, edge.right) + 0.02 - camera.horizon);
  const nearest = Math.min(farthest, camera.focal / (Math.min(high, edge.left + 0.3) - 0.02 - camera.horizon));
  const kinds: PropKind[] = ["person", "sign", "streetLamp", quay ? "car" : "tree"];
  if (chance(generator, 0.4)) kinds.push("sign");
  if (chance(generator, 0.35)) kinds.push(quay ? "car" : "person");
  for (let i = 1; i < wide; i++) kinds.push(pick(generator, kinds));
  const props: Prop[] = [];
  for (const kind of kinds) {
    const candidates = Array.from({ length: 10 }, () => {
      const z = generator.uniform(nearest, farthest);
      const x = worldX(camera, wide * generator.uniform(0.06, 0.94), z);
      return { kind, z, x, height: drawHeight(generator, kind, shoreScale) };
    });
    props.push(clearest(camera, props, candidates));
  }
  return props;
}
