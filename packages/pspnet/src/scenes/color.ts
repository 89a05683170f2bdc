import type { Random, Rgb } from "@pspnet/core";

/** One of `items`, uniformly. */
export function pick<T>(generator: Random, items: readonly T[]): T {
  return items[generator.integer(0, items.length)];
}

/** True with the given probability. */
export function chance(generator: Random, probability: number): boolean {
  return generator.next() < probability;
}

/** `color` with each channel, and all together, off by up to `amount` (0..255). */
export function varied(generator: Random, color: Rgb, amount: number): Rgb {
  const all = generator.uniform(-amount, amount);
  const channel = (value: number): number => clampByte(value + all + generator.uniform(-amount, amount) / 2);
  return [channel(color[0]), channel(color[1]), channel(color[2])];
}

/** From `from` (share 0) to `to` (share 1). */
export function mixed(from: Rgb, to: Rgb, share: number): Rgb {
  return [
    from[0] + (to[0] - from[0]) * share,
    from[1] + (to[1] - from[1]) * share,
    from[2] + (to[2] - from[2]) * share,
  ];
}

/** `color` times `factor`, at most white. */
export function lit(color: Rgb, factor: number): Rgb {
  return [clampByte(color[0] * factor), clampByte(color[1] * factor), clampByte(color[2] * factor)];
}

function clampByte(value: number): number {
  return Math.min(255, Math.max(0, value));
}
