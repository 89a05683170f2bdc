import type { Random, Rgb } from "@pspnet/core";

/** One of `items`, uniformly. */
export function pick<T>(generator: Random, items: readonly T[]): T {
  return items[generator.integer(0, items.length)];
}

/** True with the given probability. */
export function chance(generator: Random, probability: number): boolean {
  return generator.next() < probability;
}

/** `colour` with each channel, and all together, off by up to `amount` (0..255). */
export function varied(generator: Random, colour: Rgb, amount: number): Rgb {
  const all = generator.uniform(-amount, amount);
  const channel = (value: number): number => clampByte(value + all + generator.uniform(-amount, amount) / 2);
  return [channel(colour[0]), channel(colour[1]), channel(colour[2])];
}

/** From `from` (share 0) to `to` (share 1). */
export function mixed(from: Rgb, to: Rgb, share: number): Rgb {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
  ];
}

/** `colour` times `factor`, at most white. */
export function lit(colour: Rgb, factor: number): Rgb {
  return [clampByte(colour[0] * factor), clampByte(colour[1] * factor), clampByte(colour[2] * factor)];
}

function clampByte(value: number): number {
  return Math.min(255, Math.max(0, value));
}
