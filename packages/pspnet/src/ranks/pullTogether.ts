import type { PullOptions } from "../pull/pull.js";
import { publishedWeights, weightsFile } from "../pull/weightsFile.js";
import { together } from "./together.js";
import type { World } from "./world.js";

/** Has the first rank pull published weights that are not there yet, before all load them. */
export async function pullTogether(
  world: World,
  weights: string,
  { signal, ...options }: PullOptions & { readonly signal: AbortSignal },
): Promise<void> {
  if (world.size === 1 || publishedWeights(weights) === null) return;
  const pull = async (either: AbortSignal) => {
    if (world.rank === 0) await weightsFile(weights, { ...options, signal: either });
  };
  await together(world, pull, { signal });
}
