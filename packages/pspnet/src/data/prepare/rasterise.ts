import { type LabelMap, PspnetError } from "@pspnet/core";

/** A closed outline: x and y by turns, in pixels from the top left corner of the image. */
export type Outline = readonly number[];

/** The largest mask that is drawn: as many pixels as an image may have. */
const MOST_PIXELS = 268_402_689;

/** @throws PspnetError "data" for a size that no image has. */
export function blankMask(width: unknown, height: unknown, what: string): LabelMap {
  const whole = (side: unknown): side is number => Number.isInteger(side) && (side as number) > 0;
  if (whole(width) && whole(height) && width * height <= MOST_PIXELS)
    return { width, height, data: new Uint8Array(width * height) };
  throw new PspnetError("data", `${what}: expected the width and height of an image, found ${width} and ${height}`);
}

/** Gives the pixels whose centres lie inside an outline a label; where it crosses itself, those inside an odd number of times. */
export function fillOutline({ width, height, data }: LabelMap, outline: Outline, label: number): void {
  const corners = Math.floor(outline.length / 2);
  const ys = outline.filter((_, i) => i % 2 === 1);
  const top = Math.max(0, Math.floor(ys.reduce((least, y) => Math.min(least, y), Number.POSITIVE_INFINITY)));
  const bottom = Math.min(height, Math.ceil(ys.reduce((most, y) => Math.max(most, y), 0)));
  for (let row = top; row < bottom; row++) {
    const y = row + 0.5;
    const crossings: number[] = [];
    for (let i = 0; i < corners; i++) {
      const next = (i + 1) % corners;
      const [x0, y0, x1, y1] = [outline[2 * i], outline[2 * i + 1], outline[2 * next], outline[2 * next + 1]];
      if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    }
    crossings.sort((a, b) => a - b);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] - 0.5));
      const to = Math.min(width, Math.ceil(crossings[i + 1] - 0.5));
      if (from < to) data.fill(label, row * width + from, row * width + to);
    }
  }
}

/** The outline of an ellipse, as a polygon of whole degrees. */
export function ellipse(x: number, y: number, radiusX: number, radiusY: number): Outline {
  return Array.from({ length: 360 }, (_, degree) => (degree * Math.PI) / 180).flatMap((angle) => [
    x + radiusX * Math.cos(angle),
    y + radiusY * Math.sin(angle),
  ]);
}

export const rectangle = (x0: number, y0: number, x1: number, y1: number): Outline => [x0, y0, x1, y0, x1, y1, x0, y1];

/** Area inside an outline that does not cross itself. */
export function areaOf(outline: Outline): number {
  let twice = 0;
  for (let i = 0; i < outline.length; i += 2) {
    const next = (i + 2) % outline.length;
    twice += outline[i] * outline[next + 1] - outline[next] * outline[i + 1];
  }
  return Math.abs(twice) / 2;
}
