import type { Random } from "@pspnet/core";
import { type Camera, screenX, screenY, worldX } from "./camera.js";
import { type Canvas, shadeEllipse } from "./canvas.js";
import { sceneLabels } from "./classes.js";
import { paintPerson, paintRoomLamp, paintSign, paintStreetLamp, paintTree, type Stand } from "./figures.js";
import { hullLook, paintHull } from "./hull.js";

/** What may stand in a scene. */
export type PropKind = "car" | "boat" | "person" | "tree" | "sign" | "streetLamp" | "roomLamp";

/** A thing and where it stands: world X and depth, heights in camera heights. */
export interface Prop {
  readonly kind: PropKind;
  readonly x: number;
  readonly z: number;
  readonly height: number;
  /** How high above the ground it stands. */
  readonly base?: number;
}

/** The farthest prop first, so that the near ones cover it. */
export function paintProps(
  canvas: Canvas,
  generator: Random,
  options: { camera: Camera; props: readonly Prop[] },
): void {
  const { camera } = options;
  for (const prop of [...options.props].sort((left, right) => right.z - left.z)) {
    const stand: Stand = {
      x: screenX(camera, prop.x, prop.z),
      foot: screenY(camera, prop.base ?? 0, prop.z),
      height: (prop.height * camera.focal) / prop.z,
    };
    painters[prop.kind](canvas, generator, stand);
  }
}

/** How each kind is painted. */
const painters: Record<PropKind, (canvas: Canvas, generator: Random, stand: Stand) => void> = {
  car: (canvas, generator, stand) => paintHullAt(canvas, generator, stand, sceneLabels.car),
  boat: (canvas, generator, stand) => paintHullAt(canvas, generator, stand, sceneLabels.boat),
  person: paintPerson,
  tree: paintTree,
  sign: paintSign,
  streetLamp: paintStreetLamp,
  roomLamp: paintRoomLamp,
};

/** A hull and the darkness under it, on a road or on water alike. */
function paintHullAt(canvas: Canvas, generator: Random, { x, foot, height }: Stand, label: number): void {
  const look = hullLook(generator);
  const length = height / look.height;
  shadeEllipse(canvas, { x, y: foot, radiusX: length * 0.52, radiusY: length * 0.07 }, 0.4);
  paintHull(canvas, look, { x, bottom: foot, length }, label);
}

/** The size and depths at which each kind is met: heights in camera heights. */
const ranges: Record<PropKind, readonly [low: number, high: number]> = {
  car: [0.48, 0.6],
  boat: [0.48, 0.68],
  person: [0.62, 0.8],
  tree: [1.2, 2],
  sign: [0.62, 0.8],
  streetLamp: [1, 1.3],
  roomLamp: [0.7, 1],
};

/** A prop whose middle the picture shows between x = `from` and `to` (scene units) at depth z. */
export function propAt(
  generator: Random,
  options: { kind: PropKind; camera: Camera; z: number; from: number; to: number },
): Prop {
  const { kind, camera, z, from, to } = options;
  const [low, high] = ranges[kind];
  return { kind, z, x: worldX(camera, generator.uniform(from, to), z), height: generator.uniform(low, high) };
}
