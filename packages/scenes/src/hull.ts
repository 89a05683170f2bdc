import type { Random, Rgb } from "@pspnet/core";
import { type Canvas, fillEllipse, fillPolygon } from "./canvas.js";
import { lit, pick, varied } from "./colour.js";
import { brightColours } from "./surfaces.js";
import { speckle } from "./texture.js";

/** Where a hull stands: its middle, its lowest line and its length, in scene units. */
export interface HullPlace {
  readonly x: number;
  readonly bottom: number;
  readonly length: number;
}

/** A hull's look, drawn at random by {@link hullLook}, the same way for cars and boats. */
export interface HullLook {
  readonly colour: Rgb;
  readonly cabin: Rgb;
  /** Height over length. */
  readonly height: number;
  /** Where the cabin begins and ends along the length, 0..1. */
  readonly cabinFrom: number;
  readonly cabinTo: number;
  /** Which way it points: 1 to the right, -1 to the left. */
  readonly facing: 1 | -1;
}

/** A hull as it may be met on any road or water. */
export function hullLook(generator: Random): HullLook {
  const colour = varied(generator, pick(generator, brightColours), 14);
  const cabinFrom = generator.uniform(0.12, 0.3);
  return {
    colour,
    cabin: generator.next() < 0.5 ? lit(colour, 1.1) : varied(generator, pick(generator, brightColours), 14),
    height: generator.uniform(0.42, 0.5),
    cabinFrom,
    cabinTo: cabinFrom + generator.uniform(0.4, 0.5),
    facing: generator.next() < 0.5 ? 1 : -1,
  };
}

/**
 * Paints a hull with its cabin and two round things low on its side: the wheels of a *car*, the fenders of a *boat*. The
 * painting does not depend on `label`; what stands around it decides what it is.
 */
export function paintHull(canvas: Canvas, look: HullLook, place: HullPlace, label: number): void {
  const height = place.length * look.height;
  const left = place.x - (place.length / 2) * look.facing;
  const at = (...corners: readonly number[]): number[] =>
    corners.map((value, i) =>
      i % 2 === 0 ? left + value * place.length * look.facing : place.bottom - value * height,
    );
  const texture = speckle({ size: place.length, contrast: 0.1, grain: 0.03 });
  const { cabinFrom: from, cabinTo: to } = look;
  fillPolygon(canvas, at(from, 0.5, from + 0.07, 1, to - 0.12, 1, to + 0.04, 0.5), {
    label,
    colour: look.cabin,
    texture,
  });
  const glass: Rgb = [52, 66, 84];
  const middle = (from + to) / 2 - 0.02;
  fillPolygon(canvas, at(from + 0.045, 0.56, from + 0.09, 0.9, middle - 0.02, 0.9, middle - 0.02, 0.56), {
    label,
    colour: glass,
  });
  fillPolygon(canvas, at(middle + 0.02, 0.56, middle + 0.02, 0.9, to - 0.125, 0.9, to - 0.02, 0.56), {
    label,
    colour: lit(glass, 1.5),
  });
  const side = at(0.08, 0.1, 0, 0.42, 0, 0.6, 0.7, 0.57, 1, 0.61, 0.985, 0.5, 0.9, 0.1);
  fillPolygon(canvas, side, { label, colour: look.colour, texture });
  fillPolygon(canvas, at(0.08, 0.1, 0.045, 0.24, 0.93, 0.24, 0.9, 0.1), { label, colour: lit(look.colour, 0.62) });
  fillPolygon(canvas, at(0, 0.44, 0, 0.53, 0.99, 0.53, 0.975, 0.44), { label, colour: lit(look.colour, 1.22) });
  for (const along of [0.22, 0.77]) {
    const [x, y] = at(along, 0.17);
    const radius = place.length * 0.085;
    fillEllipse(canvas, { x, y, radiusX: radius, radiusY: radius }, { label, colour: [30, 30, 34] });
    const hub = radius * 0.45;
    fillEllipse(canvas, { x, y, radiusX: hub, radiusY: hub }, { label, colour: [150, 152, 156] });
  }
}
