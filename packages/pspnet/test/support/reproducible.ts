/**
 * Weights, images and labels that are made from their names, the same here as in `scripts/golden/make_golden.py`, so that
 * recorded results need not carry them.
 */
import type { PSPNet, Shape, State, StateTensor } from "@pspnet/core";
import { IGNORE } from "@pspnet/core";

/** `count` pseudo-random 32-bit words: FNV-1a of the name, Weyl steps, murmur3's finaliser. */
export function words(name: string, count: number): Uint32Array {
  let seed = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) seed = Math.imul(seed ^ byte, 0x01000193);
  const found = new Uint32Array(count);
  for (let i = 0; i < count; i++) {
    let x = (Math.imul(i, 0x9e3779b9) + seed) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    found[i] = x ^ (x >>> 16);
  }
  return found;
}

/** Numbers in [-1, 1). */
export function uniform(name: string, count: number): Float64Array {
  const found = new Float64Array(count);
  const source = words(name, count);
  for (let i = 0; i < count; i++) found[i] = source[i] / 2 ** 31 - 1;
  return found;
}

/**
 * A weights file for `net`, with scales that keep activations near 1 and far from ReLU's corner, where the last bits of float32 would turn
 * a gradient.
 */
export function reproducibleState(net: PSPNet): State {
  const { backbone } = net.config;
  const bottleneck = backbone.kind === "resnet" && backbone.layers >= 50;
  const entries = [...net.stateDict()].map(([name, { shape }]): [string, StateTensor] => [
    name,
    { shape, dtype: "float32", float32: () => valuesOf(name, { shape, bottleneck }) },
  ]);
  return new Map(entries);
}

interface Place {
  readonly shape: Shape;
  readonly bottleneck: boolean;
}

function valuesOf(name: string, place: Place): Float32Array {
  const { centre, spread, signs } = scaleOf(name, place);
  const u = uniform(name, elements(place.shape));
  const values = new Float32Array(u.length);
  for (let i = 0; i < u.length; i++) {
    const value = centre + spread * u[i];
    values[i] = signs && i % 5 === 2 ? -value : value;
  }
  return values;
}

function scaleOf(name: string, { shape, bottleneck }: Place) {
  const last = name.startsWith("layer") && name.includes(bottleneck ? ".bn3." : ".bn2.");
  const scale = (centre: number, spread: number, signs = false) => ({ centre, spread, signs });
  if (shape.length === 4) return scale(0, Math.sqrt(3 / (shape[1] * shape[2] * shape[3])));
  if (name.endsWith("running_var")) return scale(1, 0.2);
  if (name.endsWith("running_mean") || name === "cls.4.bias" || name === "aux.4.bias") return scale(0, 0.1);
  const [weight, bias] = last ? [0.2, 0.6] : [0.5, 1.8];
  return name.endsWith("weight") ? scale(weight, 0.25 * weight) : scale(bias, 0.2 * bias, true);
}

/** Noise around a colour of each image's own, `[n, 3, h, w]`. */
export function reproducibleImage([n, h, w]: readonly [number, number, number]): Float32Array {
  const noise = uniform(`image ${n}x${h}x${w}`, n * 3 * h * w);
  const colour = uniform(`colour ${n}x${h}x${w}`, n * 3);
  return Float32Array.from(noise.map((value, i) => 0.8 * value + colour[Math.floor(i / (h * w))]));
}

/** Blocks of 8 x 8 pixels, one in `classes` + 1 of them ignored, `[n, h, w]`. */
export function reproducibleLabels([n, h, w]: readonly [number, number, number], classes: number): Uint8Array {
  const rows = Math.ceil(h / 8);
  const columns = Math.ceil(w / 8);
  const blocks = words(`labels ${n}x${h}x${w}`, n * rows * columns).map((word) => word % (classes + 1));
  return Uint8Array.from({ length: n * h * w }, (_, i) => {
    const [image, y, x] = [Math.floor(i / (h * w)), Math.floor(i / w) % h, i % w];
    const id = blocks[(image * rows + (y >> 3)) * columns + (x >> 3)];
    return id === classes ? IGNORE : id;
  });
}

export function elements(shape: Shape): number {
  return shape.reduce((product, size) => product * size, 1);
}
