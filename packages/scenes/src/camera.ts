import type { Random } from "@pspnet/core";
import type { Canvas } from "./canvas.js";
import type { Plane } from "./plane.js";

/**
 * A level camera over flat ground. World coordinates are in heights of the camera: X to the right, Y up, Z ahead.
 * The picture's are in scene units (its short side is 1): `x = centre + X focal / Z`, `y = horizon + (1 - Y) focal / Z`.
 */
export interface Camera {
  readonly centre: number;
  readonly horizon: number;
  readonly focal: number;
}

export interface CameraRange {
  /** Shares of the picture's height and width that the horizon and the centre lie between. */
  readonly horizon: readonly [number, number];
  readonly centre: readonly [number, number];
  /** At most. */
  readonly focal: number;
}

/** A camera in a random place, whose ground begins in the picture. */
export function drawCamera(generator: Random, { wide, high }: Canvas, range: CameraRange): Camera {
  const horizon = high * generator.uniform(...range.horizon);
  const centre = wide * generator.uniform(...range.centre);
  return { centre, horizon, focal: Math.min(range.focal, high - horizon) };
}

/** The picture's x of a point. */
export function screenX(camera: Camera, x: number, z: number): number {
  return camera.centre + (x * camera.focal) / z;
}

/** The picture's y of a point. */
export function screenY(camera: Camera, y: number, z: number): number {
  return camera.horizon + ((1 - y) * camera.focal) / z;
}

/** The world's X under the picture's x at depth z. */
export function worldX(camera: Camera, x: number, z: number): number {
  return ((x - camera.centre) * z) / camera.focal;
}

/** The horizontal plane at height y: u = X, v = Z. Holds below the horizon for y < 1. */
export function levelPlane(camera: Camera, y = 0): Plane {
  const { centre, horizon, focal } = camera;
  const below = 1 - y;
  return [below, 0, -below * centre, 0, 0, focal * below, 0, 1, -horizon];
}

/** The upright plane along the line of sight at X = x (not 0): u = Z, v = Y. */
export function sidePlane(camera: Camera, x: number): Plane {
  const { centre, horizon, focal } = camera;
  return [0, 0, x * focal, 1, -x, -centre + x * horizon, 1, 0, -centre];
}

/** The upright plane that faces the viewer at depth z: u = X, v = Y. */
export function facingPlane(camera: Camera, z: number): Plane {
  const { centre, horizon, focal } = camera;
  const size = focal / z;
  return [1, 0, -centre, 0, -1, horizon + size, 0, 0, size];
}

/** The picture's corners (x, y, ...) of points of the world (X, Y, Z, ...). */
export function project(camera: Camera, points: readonly number[]): number[] {
  const corners: number[] = [];
  for (let i = 0; i < points.length; i += 3) {
    corners.push(screenX(camera, points[i], points[i + 2]), screenY(camera, points[i + 1], points[i + 2]));
  }
  return corners;
}
