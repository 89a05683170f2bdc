/**
 * The poly policy, per iteration: `base * (1 - step / total) ^ power` (paper, section 5.1).
 * `step` counts the optimiser steps done before this one, so the first step uses `base` itself.
 */
export function poly(
  base: number,
  options: { readonly step: number; readonly total: number; readonly power: number },
): number {
  return base * (1 - options.step / options.total) ** options.power;
}
