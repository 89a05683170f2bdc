/**
 * A map from the picture to the coordinates (u, v) of a painted surface, a homography:
 * `u = (a x + b y + c) / w`, `v = (d x + e y + f) / w`, `w = g x + h y + i`, with x and y in scene units.
 */
export type Plane = readonly [
  a: number,
  b: number,
  c: number,
  d: number,
  e: number,
  f: number,
  g: number,
  h: number,
  i: number,
];

/** A surface that faces the viewer: u and v are x and y from `(x, y)`, in lengths of `scale`. */
export function frontal(x: number, y: number, scale = 1): Plane {
  return [1, 0, -x, 0, 1, -y, 0, 0, scale];
}

/** Moves the origin of a surface's coordinates by (u, v), so that no two show the same stretch of noise. */
export function shifted(plane: Plane, u: number, v: number): Plane {
  const [a, b, c, d, e, f, g, h, i] = plane;
  return [a + u * g, b + u * h, c + u * i, d + v * g, e + v * h, f + v * i, g, h, i];
}
