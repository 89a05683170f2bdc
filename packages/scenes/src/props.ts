import type { Random } from "@pspnet/core";
import { type Camera, screenX, screenY } from "./camera.js";
import { type Canvas, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { hullLook, paintHull } from "./hull.js";
import { paintRoomLamp, paintStreetLamp } from "./lamp.js";
import { paintPerson } from "./person.js";
import { paintSign } from "./sign.js";
import type { Stand } from "./stand.js";
import { paintTree } from "./tree.js";

/** What may stand in a scene. */
export type PropKind = "car" | "person" | "tree" | "sign" | "streetLamp" | "roomLamp";

/** A thing and where it stands: world X and depth, heights in camera heights. */
export interface Prop {
  readonly kind: PropKind;
  readonly x: number;
  readonly z: number;
  readonly height: number;
}

/** Paints the farthest prop first, so that the near ones cover it. */
export function paintProps(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; props: readonly Prop[] },
): void {
  const { camera } = options;
  for (const prop of [...options.props].sort((left, right) => right.z - left.z)) {
    const stand: Stand = {
      x: screenX(camera, prop.x, prop.z),
      foot: screenY(camera, 0, prop.z),
      height: (prop.height * camera.focal) / prop.z,
    };
    painters[prop.kind](canvas, generator, stand);
  }
}

/** How each kind is painted. */
const painters: Record<PropKind, (canvas: Canvas, generator: Random, stand: Stand) => void> = {
  car: paintCar,
  person: paintPerson,
  tree: paintTree,
  sign: paintSign,
  streetLamp: paintStreetLamp,
  roomLamp: paintRoomLamp,
};

/** A hull on a road, with the darkness under it. */
function paintCar(canvas: Canvas, generator: Random, { x, foot, height }: Stand): void {
  const look = hullLook(generator);
  const length = height / look.height;
  shadeEllipse(canvas, { x, y: foot, radiusX: length * 0.52, radiusY: length * 0.07 }, 0.4);
  paintHull(canvas, look, { x, bottom: foot, length }, sceneLabels.car);
}

/** Heights of each kind, in heights of a camera that a tall person holds overhead. */
const heights: Record<PropKind, readonly [low: number, high: number]> = {
  car: [0.5, 0.62],
  person: [0.86, 1.06],
  tree: [1.1, 2],
  sign: [0.7, 0.88],
  streetLamp: [1, 1.25],
  roomLamp: [0.9, 1.15],
};

/** How the height of a prop of this kind is drawn; `scale` multiplies it. */
export function drawHeight(generator: Random, kind: PropKind, scale = 1): number {
  const [low, high] = heights[kind];
  return generator.uniform(low, high) * scale;
}

/** Half the width of each kind, in its heights. */
const halfWidths: Record<PropKind, number> = {
  car: 1.1,
  person: 0.26,
  tree: 0.36,
  sign: 0.39,
  streetLamp: 0.25,
  roomLamp: 0.31,
};

/** The candidate with the widest gap, in the picture, to the props already placed: fewer things hide others. */
export function clearest(camera: Camera, placed: readonly Prop[], candidates: readonly Prop[]): Prop {
  const half = ({ kind, height, z }: Prop): number => (halfWidths[kind] * height * camera.focal) / z;
  const gap = (prop: Prop, other: Prop): number =>
    Math.abs(screenX(camera, prop.x, prop.z) - screenX(camera, other.x, other.z)) - half(prop) - half(other);
  const room = (prop: Prop): number => placed.reduce((least, other) => Math.min(least, gap(prop, other)), 1e9);
  return candidates.reduce((best, prop) => (room(prop) > room(best) ? prop : best));
}
