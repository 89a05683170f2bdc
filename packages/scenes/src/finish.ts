import type { Random, Rgb } from "@pspnet/core";
import type { Canvas } from "./canvas.js";
import { grainTable } from "./noise.js";

/**
 * Makes a photograph of the painted colours: the light's tint, light from one side, a slightly soft lens and sensor noise.
 * Gives RGB bytes, [height, width, 3].
 */
export function photograph(canvas: Canvas, generator: Random, tint: Rgb): Uint8Array {
  const { width, height } = canvas;
  const soft = softened(canvas, generator.uniform(0.15, 0.5));
  const grains = grainTable();
  const noise = generator.uniform(2, 7);
  const offset = generator.integer(0, 1 << 16);
  const slope = generator.uniform(-0.12, 0.12);
  const bytes = new Uint8ClampedArray(width * height * 3);
  const [red, green, blue] = tint;
  for (let y = 0, i = 0; y < height; y++) {
    const row = offset + y * 3 * 257;
    for (let x = 0; x < width; x++, i += 3) {
      const light = 1 + slope * (2 * (x / width) - 1);
      const grain = row + x * 3;
      bytes[i] = soft[i] * red * light + noise * grains[grain & 0xffff];
      bytes[i + 1] = soft[i + 1] * green * light + noise * grains[(grain + 1) & 0xffff];
      bytes[i + 2] = soft[i + 2] * blue * light + noise * grains[(grain + 2) & 0xffff];
    }
  }
  return new Uint8Array(bytes.buffer);
}

/** The canvas's colours, each mixed with its neighbours: `amount` of a pixel goes to the two beside it, both ways. */
function softened({ colour, width, height }: Canvas, amount: number): Float32Array {
  const keep = 1 - amount;
  const give = amount / 2;
  const across = new Float32Array(colour.length);
  const stride = width * 3;
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const last = row + stride - 3;
    for (let i = row; i < row + stride; i++) {
      const before = i < row + 3 ? i : i - 3;
      const after = i >= last ? i : i + 3;
      across[i] = colour[i] * keep + (colour[before] + colour[after]) * give;
    }
  }
  const both = new Float32Array(colour.length);
  for (let y = 0; y < height; y++) {
    const row = y * stride;
    const above = y === 0 ? 0 : -stride;
    const below = y === height - 1 ? 0 : stride;
    for (let i = row; i < row + stride; i++) {
      both[i] = across[i] * keep + (across[i + above] + across[i + below]) * give;
    }
  }
  return both;
}
