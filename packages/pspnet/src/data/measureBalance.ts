import { countClasses } from "./check.js";
import type { ClassBalance } from "./classBalance.js";
import type { Dataset } from "./dataset.js";
import { readMask } from "./masks.js";

/**
 * Reads the masks `rank`, `rank + size`... of a dataset; the images are not looked at.
 *
 * @param options.signal Ends it early, with what was read until then.
 * @throws PspnetError "data" for a mask that cannot be read.
 */
export async function measureBalance(
  { source, classes }: Dataset,
  { rank, size, signal }: { readonly rank: number; readonly size: number; readonly signal?: AbortSignal },
): Promise<ClassBalance> {
  const count = classes.names.length;
  const [pixels, shown] = [new Float64Array(count), new Float64Array(count)];
  for (let index = rank; index < source.pairs.length; index += size) {
    if (signal?.aborted) break;
    const pair = source.pairs[index];
    const mask = await readMask(pair.mask!, { colours: source.colours });
    const labels = countClasses(mask, { pair, source, problems: [] }).labels.subarray(0, count);
    const labelled = labels.reduce((sum, one) => sum + one, 0);
    for (const [id, one] of labels.entries()) {
      pixels[id] += one;
      if (one > 0) shown[id] += labelled;
    }
  }
  return { pixels, shown };
}
