import type { Rgb } from "@pspnet/core";
import type { Plane } from "./plane.js";
import type { Line, Texture } from "./texture.js";

/**
 * What a scene is painted on: colour (float, 0..255, interleaved) and label of each pixel, painted together so that they
 * agree to the pixel. Shapes are in scene units: the short side is 1, so `wide` or `high` is 1 and the other at least 1.
 */
export interface Canvas {
  readonly width: number;
  readonly height: number;
  /** Pixels in a scene unit. */
  readonly unit: number;
  readonly wide: number;
  readonly high: number;
  readonly colour: Float32Array;
  readonly label: Uint8Array;
  readonly line: Line;
}

/** How a shape is filled: `accent` is the second colour that the texture mixes in. */
export interface Paint {
  readonly label: number;
  readonly colour: Rgb;
  readonly accent?: Rgb;
  readonly texture?: Texture;
  readonly plane?: Plane;
}

/** Corners of a polygon: x0, y0, x1, y1, ... in scene units. */
export type Corners = readonly number[];

/** An ellipse with axes along the picture's, in scene units. */
export interface Ellipse {
  readonly x: number;
  readonly y: number;
  readonly radiusX: number;
  readonly radiusY: number;
}

/** Called with each run of pixels of a shape: row `y`, columns `from` to `to` (exclusive, never empty). */
type Visit = (y: number, from: number, to: number) => void;

/** A black canvas of label 0. */
export function createCanvas(width: number, height: number): Canvas {
  const unit = Math.min(width, height);
  const line: Line = {
    u: new Float32Array(width),
    v: new Float32Array(width),
    tone: new Float32Array(width),
    accent: new Float32Array(width),
    pixel: 1,
  };
  return {
    width,
    height,
    unit,
    wide: width / unit,
    high: height / unit,
    colour: new Float32Array(width * height * 3),
    label: new Uint8Array(width * height),
    line,
  };
}

/** Paints the inside of a polygon (even-odd). */
export function fillPolygon(canvas: Canvas, corners: Corners, paint: Paint): void {
  visitPolygon(canvas, corners, (y, from, to) => paintRun(canvas, paint, y, from, to));
}

/** Paints an upright rectangle from its corner (x, y). */
export function fillBox(
  canvas: Canvas,
  box: readonly [x: number, y: number, w: number, h: number],
  paint: Paint,
): void {
  const [x, y, w, h] = box;
  fillPolygon(canvas, [x, y, x + w, y, x + w, y + h, x, y + h], paint);
}

/** Paints an ellipse. */
export function fillEllipse(canvas: Canvas, ellipse: Ellipse, paint: Paint): void {
  visitEllipse(canvas, ellipse, (y, from, to) => paintRun(canvas, paint, y, from, to));
}

/** Multiplies the colours inside a polygon and keeps their labels: light and shadow. */
export function shadePolygon(canvas: Canvas, corners: Corners, factor: number): void {
  visitPolygon(canvas, corners, (y, from, to) => shadeRun(canvas, factor, y, from, to));
}

/** Multiplies the colours inside an ellipse, fading to its rim, and keeps their labels: a soft shadow. */
export function shadeEllipse(canvas: Canvas, ellipse: Ellipse, factor: number): void {
  const root = 1 - (1 - factor) / 2;
  for (const size of [1, 0.72]) {
    const part = { ...ellipse, radiusX: ellipse.radiusX * size, radiusY: ellipse.radiusY * size };
    visitEllipse(canvas, part, (y, from, to) => shadeRun(canvas, size === 1 ? root : factor / root, y, from, to));
  }
}

function shadeRun(canvas: Canvas, factor: number, y: number, from: number, to: number): void {
  const { colour, width } = canvas;
  for (let i = (y * width + from) * 3; i < (y * width + to) * 3; i++) colour[i] *= factor;
}

/** A pixel belongs to a shape when its centre does. */
function visitPolygon(canvas: Canvas, corners: Corners, visit: Visit): void {
  const { unit, width, height } = canvas;
  let top = Number.POSITIVE_INFINITY;
  let bottom = Number.NEGATIVE_INFINITY;
  for (let i = 1; i < corners.length; i += 2) {
    top = Math.min(top, corners[i]);
    bottom = Math.max(bottom, corners[i]);
  }
  const last = Math.min(height, Math.ceil(bottom * unit - 0.5));
  for (let y = Math.max(0, Math.ceil(top * unit - 0.5)); y < last; y++) {
    const crossings = crossingsOf(corners, (y + 0.5) / unit);
    for (let i = 0; i + 1 < crossings.length; i += 2) {
      const from = Math.max(0, Math.ceil(crossings[i] * unit - 0.5));
      const to = Math.min(width, Math.ceil(crossings[i + 1] * unit - 0.5));
      if (from < to) visit(y, from, to);
    }
  }
}

/** Where the polygon's edges cross the horizontal line at y, left to right. */
function crossingsOf(corners: Corners, y: number): number[] {
  const crossings: number[] = [];
  let x0 = corners[corners.length - 2];
  let y0 = corners[corners.length - 1];
  for (let i = 0; i < corners.length; i += 2) {
    const x1 = corners[i];
    const y1 = corners[i + 1];
    if (y0 <= y !== y1 <= y) crossings.push(x0 + ((y - y0) / (y1 - y0)) * (x1 - x0));
    x0 = x1;
    y0 = y1;
  }
  return crossings.sort((left, right) => left - right);
}

function visitEllipse(canvas: Canvas, ellipse: Ellipse, visit: Visit): void {
  const { unit, width, height } = canvas;
  const { x, radiusX, radiusY } = ellipse;
  const last = Math.min(height, Math.ceil((ellipse.y + radiusY) * unit - 0.5));
  for (let y = Math.max(0, Math.ceil((ellipse.y - radiusY) * unit - 0.5)); y < last; y++) {
    const offset = ((y + 0.5) / unit - ellipse.y) / radiusY;
    const half = radiusX * Math.sqrt(Math.max(0, 1 - offset * offset));
    const from = Math.max(0, Math.ceil((x - half) * unit - 0.5));
    const to = Math.min(width, Math.ceil((x + half) * unit - 0.5));
    if (from < to) visit(y, from, to);
  }
}

/** u is x and v is y. */
const facing: Plane = [1, 0, 0, 0, 1, 0, 0, 0, 1];

function paintRun(canvas: Canvas, paint: Paint, y: number, from: number, to: number): void {
  const { colour, label, line, width } = canvas;
  label.fill(paint.label, y * width + from, y * width + to);
  const [red, green, blue] = paint.colour;
  if (paint.texture === undefined) {
    for (let x = from, i = (y * width + from) * 3; x < to; x++, i += 3) {
      colour[i] = red;
      colour[i + 1] = green;
      colour[i + 2] = blue;
    }
    return;
  }
  mapLine(canvas, paint.plane ?? facing, y, from, to);
  paint.texture(line, from, to);
  const second = paint.accent ?? paint.colour;
  const toRed = second[0] - red;
  const toGreen = second[1] - green;
  const toBlue = second[2] - blue;
  const { tone, accent } = line;
  for (let x = from, i = (y * width + from) * 3; x < to; x++, i += 3) {
    const mix = accent[x];
    const light = tone[x];
    colour[i] = (red + toRed * mix) * light;
    colour[i + 1] = (green + toGreen * mix) * light;
    colour[i + 2] = (blue + toBlue * mix) * light;
  }
}

/** Fills the line's u, v with the surface's coordinates under the run, and `pixel` with how much of it one pixel spans. */
function mapLine(canvas: Canvas, plane: Plane, row: number, from: number, to: number): void {
  const { line, unit } = canvas;
  const [a, b, c, d, e, f, g, h, i] = plane;
  const step = 1 / unit;
  const y = (row + 0.5) * step;
  const { u, v } = line;
  const u0 = b * y + c;
  const v0 = e * y + f;
  const w0 = h * y + i;
  for (let column = from; column < to; column++) {
    const x = (column + 0.5) * step;
    const scale = 1 / (g * x + w0);
    u[column] = (a * x + u0) * scale;
    v[column] = (d * x + v0) * scale;
  }
  const x = ((from + to) / 2) * step;
  const scale = 1 / (g * x + w0);
  const un = (a * x + u0) * scale;
  const vn = (d * x + v0) * scale;
  const across = Math.abs((a - un * g) * scale) + Math.abs((d - vn * g) * scale);
  const down = Math.abs((b - un * h) * scale) + Math.abs((e - vn * h) * scale);
  line.pixel = Math.max(across, down) * step;
}
