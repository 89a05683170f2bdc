import { fromBuffer } from "@pspnet/torch";
import { sumNumbers, type World } from "./world.js";

/** What each rank has, on every rank, in their order: values that JSON holds. All ranks call it. */
export async function gather<T>(world: World, own: T): Promise<T[]> {
  if (world.size === 1) return [own];
  const text = new TextEncoder().encode(JSON.stringify(own));
  const lengths = new Float64Array(world.size);
  lengths[world.rank] = text.length;
  await sumNumbers(world, lengths);
  const starts = Array.from(lengths, (_, rank) => lengths.subarray(0, rank).reduce((sum, length) => sum + length, 0));
  // Zero where another rank's stand, so that the sum is all of them.
  const all = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  all.set(text, starts[world.rank]);
  using view = fromBuffer(all, [all.length]);
  await world.sum(view);
  return starts.map((start, rank) => JSON.parse(new TextDecoder().decode(all.subarray(start, start + lengths[rank]))));
}
