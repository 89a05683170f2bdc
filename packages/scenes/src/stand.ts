import type { Corners, Ellipse } from "./canvas.js";

/** Where an upright thing stands: its middle, its foot and its height, in scene units. */
export interface Stand {
  readonly x: number;
  readonly foot: number;
  readonly height: number;
}

/** Corners given as shares of the thing's height, to the right of its middle and up from its foot, in scene units. */
export function onStand({ x, foot, height }: Stand, corners: Corners): Corners {
  return corners.map((share, i) => (i % 2 === 0 ? x + share * height : foot - share * height));
}

/** An ellipse given in shares of the thing's height as {@link onStand} takes them, in scene units. */
export function ellipseOnStand(stand: Stand, ellipse: Ellipse): Ellipse {
  const [x, y] = onStand(stand, [ellipse.x, ellipse.y]);
  return { x, y, radiusX: ellipse.radiusX * stand.height, radiusY: ellipse.radiusY * stand.height };
}
